from __future__ import annotations

import dataclasses
from pathlib import Path

from trainwell.report.text.study import nested_text, slices_in_text
from trainwell.search import Study, Trial, ValidationScores, make_space

SPACE = make_space({"optim.learning_rate": "log:1e-4..0.1", "nn.hidden": [[8], [8, 8]]})


def study(*scores: float | None) -> Study:
    trials = tuple(
        Trial(
            number,
            SPACE.at([number / max(1, len(scores) - 1), 0]),
            state="done" if score is not None else "diverged",
            validation=ValidationScores(score),
        )
        for number, score in enumerate(scores)
    )
    spec = {"space": SPACE.to_json(), "main_score": "accuracy"}
    return Study(Path(), spec, trials=trials)


def test_the_terminal_shows_where_the_good_values_are() -> None:
    (line,) = slices_in_text(study(0.1, 0.2, 0.4, 0.9), width=4)
    assert line == "optim.learning_rate  0.0001 ▁▁▃█ 0.1"


def test_fewer_than_two_scores_show_nothing() -> None:
    assert slices_in_text(study(0.5, None)) == []


def test_nested_cross_validation_is_written_with_its_interval() -> None:
    found = study(0.5)
    nested = {"mean": 0.91, "deviation": 0.02, "scores": [0.9, 0.92], "low": 0.88, "high": 0.94}
    conclusions = dataclasses.replace(found.conclusions, nested=nested)
    assert nested_text(dataclasses.replace(found, conclusions=conclusions)) == (
        "accuracy 0.9100 ± 0.0200 over 2 outer folds, 95 % interval 0.8800 to 0.9400"
    )
