"""The loop of a search: who goes on, what is recorded, what breaks it off."""

from __future__ import annotations

import math
import os
from collections import Counter
from pathlib import Path

import pytest

from trainwell.fitting import gather, plan
from trainwell.population.folds import stand
from trainwell.recipe import to_toml
from trainwell.runs import RunLock
from trainwell.search.loop import CUT_SHORT, Campaign, Progress, TimeUp
from trainwell.search.methods import Proposer
from trainwell.search.runner import Decision
from trainwell.search.space import make_space
from trainwell.search.store import Store, sqlite_address
from trainwell.search.study import RECIPE, Study, open_study
from trainwell.search.workers import Here

SPACE = make_space({"optim.learning_rate": "log:1e-4..0.1"})
POPULATION = Decision("population", "test", 32)


class Watching:
    def __init__(self) -> None:
        self.seen: list[Progress] = []

    def say(self, sentence: str) -> None: ...

    def progress(self, progress: Progress) -> None:
        self.seen.append(progress)

    def stop(self) -> None: ...


def campaign(
    folder: Path, trials: int = 27, *, method: str = "halving", decision=POPULATION, folds: int = 1
) -> Campaign:
    planned = plan(gather("iris", {"train.epochs": 9, "nn.hidden": (8,), "nn.dropout": 0.0, "train.batch_size": 32}))
    (folder / RECIPE).write_text(to_toml(planned.recipe))
    ground = stand(planned, folds=folds)
    return Campaign(
        Study(folder, {}, decision.engine, decision.why, "accuracy"),
        ground,
        space=SPACE,
        proposer=Proposer(SPACE, method=method, trials=trials, seed=0),
        store=Store(sqlite_address(folder / "study.sqlite"), "s", space=SPACE, identity={}),
        crews=Here(ground, decision),
        screen=Watching(),
    )


def nothing() -> None: ...


@pytest.mark.parametrize("decision", [POPULATION, Decision("sequential", "test")], ids=lambda d: d.engine)
def test_halving_gives_the_better_ones_more_epochs(tmp_path: Path, decision: Decision) -> None:
    search = campaign(tmp_path, decision=decision)
    search.run(nothing)
    assert Counter(trial.epochs for trial in search.trials) == {1: 18, 3: 6, 9: 3}
    assert Counter(trial.state for trial in search.trials) == {"stopped": 24, "done": 3}
    first = sorted((trial.rungs[1], trial.epochs) for trial in search.trials)
    assert max(score for score, epochs in first if epochs == 1) <= min(score for score, epochs in first if epochs > 1)
    assert open_study(tmp_path).trials == tuple(search.trials)
    assert search.screen.seen[-1].trials == 27 and search.screen.seen[-1].leaders[0] == search.study.best


def test_both_engines_judge_alike(tmp_path: Path) -> None:
    scores = []
    for name, decision in (("a", POPULATION), ("b", Decision("sequential", ""))):
        (tmp_path / name).mkdir()
        search = campaign(tmp_path / name, 6, method="sobol", decision=decision, folds=2)
        search.run(nothing)
        scores.append([trial.scores["loss"] for trial in search.trials])
        assert all(len(trial.folds) == 2 for trial in search.trials)
    assert scores[0] == pytest.approx(scores[1], abs=2e-3)


@pytest.mark.parametrize("method", ["sobol", "halving", "tpe", "coarse-to-fine"])
def test_a_search_that_is_broken_off_goes_on_where_it_was(tmp_path: Path, method: str) -> None:
    decision = Decision("sequential", "")
    calls = 0

    def soon() -> None:
        nonlocal calls
        calls += 1
        if calls > 70:
            raise TimeUp

    (tmp_path / "whole").mkdir()
    whole = campaign(tmp_path / "whole", 9, method=method, decision=decision)
    whole.run(nothing)
    (tmp_path / "parts").mkdir()
    broken = campaign(tmp_path / "parts", 9, method=method, decision=decision)
    with pytest.raises(TimeUp):
        broken.run(soon)
    kept = {trial.number: trial for trial in broken.trials if trial.reason != CUT_SHORT}
    assert len(kept) < 9
    resumed = campaign(tmp_path / "parts", 9, method=method, decision=decision)
    resumed.run(nothing)
    assert [trial.number for trial in resumed.trials] == list(range(9))
    for number, trial in kept.items():
        assert resumed.trials[number] == trial
    same = [(trial.settings, trial.state, trial.score) for trial in whole.trials]
    assert [(trial.settings, trial.state, trial.score) for trial in resumed.trials] == same


def test_processes_that_share_a_study_do_not_repeat_each_other(tmp_path: Path) -> None:
    first, second = (campaign(tmp_path, 12, method="sobol", decision=Decision("population", "", 4)) for _ in range(2))
    first.store.shared = second.store.shared = True
    calls = 0

    def meanwhile() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            second.run(nothing)

    first.run(meanwhile)
    # Steps of one cohort: the others were finished by the second, which took the first one's too in the end.
    assert calls == 9 * 4
    assert [trial.number for trial in first.trials] == list(range(12))
    assert {trial.number: trial.score for trial in first.trials} == {t.number: t.score for t in second.trials}


def test_there_is_something_to_resume_before_any_trial_is_done(tmp_path: Path) -> None:
    def killed() -> None:
        assert open_study(tmp_path).status == "running"  # written before the first step
        raise TimeUp

    with RunLock(tmp_path), pytest.raises(TimeUp):
        campaign(tmp_path, 9).run(killed)


def test_time_left_counts_the_rungs_that_are_to_come(tmp_path: Path) -> None:
    search = campaign(tmp_path, 27)
    search.pace, lefts = 10.0, []
    search.screen.progress = lambda progress: lefts.append(progress.left)
    first = True

    def once() -> None:
        nonlocal first
        if first:
            search._saved = -math.inf
            search._show()
            assert open_study(tmp_path).left == pytest.approx(70, abs=1)  # what the page shows during a long training
        first = False

    search.run(once)
    # 27 configurations for a ninth, 9 for two ninths, 3 for two thirds of their epochs: 7 whole trainings
    assert lefts[0] == pytest.approx(70, abs=1) and lefts[-1] is None
    assert all(left is None or left < 70 for left in lefts[1:])


@pytest.mark.parametrize("method", ["sobol", "coarse-to-fine", "tpe"])
def test_processes_side_by_side_take_different_trials(
    tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (campaign(tmp_path, 24, method=method, decision=Decision("population", "", 4)) for _ in range(2))
    first.store.shared = second.store.shared = True
    trained: list[int] = []
    for search in (first, second):
        own = search._cohort
        search._cohort = lambda number, points, check, own=own: (trained.append(number), own(number, points, check))
    turns = iter(range(1000))

    def step() -> None:  # while the first is at its third cohort, the second starts and does all others
        if next(turns) == 2 * 9 * 4 + 1:
            with monkeypatch.context() as other:
                other.setattr(os, "getpid", os.getppid)  # another process, and one that lives
                second.run(nothing)

    first.run(step)
    assert trained[:3] == [0, 4, 8] and trained[3:] == [12, 16, 20, 8]
    assert len({str(trial.settings) for trial in first.trials}) == len(first.trials) == 24


def test_a_target_ends_the_search(tmp_path: Path) -> None:
    search = campaign(tmp_path, 64, method="sobol", decision=Decision("population", "", 8))
    search.run(nothing, target=0.0)
    assert len(search.trials) == 8


def test_the_conclusion_names_edge_importance_and_noise(tmp_path: Path) -> None:
    search = campaign(tmp_path, 16, method="sobol")
    search.run(nothing)
    search.conclude(3, nothing)
    study = open_study(tmp_path)
    assert study.importance == {"optim.learning_rate": 1.0}
    assert len(study.noise["winner"]) == len(study.noise["runner_up"]) == 3
    assert 0 <= study.noise["p_value"] <= 1 and math.isfinite(study.noise["difference"])
    share = SPACE.settings["optim.learning_rate"].share(study.best.settings["optim.learning_rate"])
    assert bool(study.findings) == (share < 0.05 or share > 0.95)
