"""The report of a search."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from trainwell.core.finding import Finding, Severity
from trainwell.report.html.study import render_study, write_study_report
from trainwell.search import Conclusions, Execution, Study, Trial, ValidationScores, Winner, make_space

SPACE = make_space({"optim.learning_rate": "log:1e-4..0.1", "nn.hidden": [[8], [8, 8]]})


def study(path: Path, count: int = 40) -> Study:
    points = [SPACE.at([(number + 0.5) / count, number % 2 * 0.6]) for number in range(count)]
    trials = tuple(
        Trial(
            n,
            point,
            state="done",
            validation=ValidationScores(n / count, {"loss": 1.0}, folds=(0.5, 0.7), rungs={1: 0.1}),
            epochs=3,
        )
        for n, point in enumerate(points)
    )
    spec = {"space": SPACE.to_json(), "trials": count, "folds": 2, "method": "sobol", "main_score": "accuracy"}
    conclusions = Conclusions(
        (Finding("best_at_edge", Severity.WARNING, "The best is at the edge: widen it."),),
        importance={"optim.learning_rate": 0.9, "nn.hidden": 0.1},
        noise={"winner": [0.9, 0.91], "deviation": 0.01, "difference": 0.001, "p_value": 0.6, "really": False},
    )
    return Study(
        path,
        spec,
        trials=trials,
        execution=Execution("population", "it <b>pays</b>"),
        conclusions=conclusions,
        winner=Winner("s-winner", {"accuracy": 0.95}, 1),
    )


def test_everything_there_is_to_say_is_said_and_nothing_is_loaded(tmp_path: Path) -> None:
    page = write_study_report(study(tmp_path)).read_text().replace("\xa0", " ")
    for text in (
        "widen it",
        "On the test split",
        "used once",
        "not significantly better",
        "95 % interval",
        "Importance of the settings",
    ):
        assert text in page
    assert (
        "it &lt;b&gt;pays" in page
        and "<script" not in page
        and "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    )


def test_a_search_without_a_score_has_a_page_too(tmp_path: Path) -> None:
    spec = {"space": SPACE.to_json(), "trials": 4}
    page = render_study(Study(tmp_path, spec, trials=(Trial(0, SPACE.at([0.5, 0]), state="diverged"),)))
    assert "No trial has a score yet" in page


def test_a_running_search_shows_the_time_left_and_the_importance_so_far(tmp_path: Path) -> None:
    found = study(tmp_path)
    trials = tuple(
        dataclasses.replace(trial, validation=dataclasses.replace(trial.validation, rungs={})) for trial in found.trials
    )
    going = dataclasses.replace(
        found,
        trials=trials,
        conclusions=dataclasses.replace(found.conclusions, importance={}),
        execution=Execution(status="running", left=90.0),
    )
    page = render_study(going).replace("\xa0", " ")
    assert "about 1 min 30 s" in page and "Importance of the settings" in page
    assert "1 min 30 s" not in render_study(
        dataclasses.replace(going, execution=Execution(status="ok", left=90.0))
    ).replace("\xa0", " ")


def test_ten_thousand_trials_are_a_small_page_soon(tmp_path: Path) -> None:
    many = study(tmp_path, 10_000)
    started = time.process_time()
    page = render_study(many)
    assert len(page) < 1_000_000 and time.process_time() - started < 2
