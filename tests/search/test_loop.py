"""The loop of a search: who trains on, what is recorded, what stops it."""

from __future__ import annotations

import math
import os
from collections import Counter
from pathlib import Path

import pytest

from trainwell.fitting import gather, plan
from trainwell.population.folds import make_folds
from trainwell.recipe import to_toml
from trainwell.runs import RunLock
from trainwell.search.compute.engine import EngineChoice
from trainwell.search.compute.runner import LocalPool
from trainwell.search.display import SearchProgress
from trainwell.search.loop import SearchLoop, TimeUp
from trainwell.search.methods import METHODS
from trainwell.search.records import Records
from trainwell.search.store import TrialStore, sqlite_url
from trainwell.search.study import RECIPE, Execution, Study, open_study
from trainwell.search.trials.read_space import make_space

SPACE = make_space({"optim.learning_rate": "log:1e-4..0.1"})
POPULATION = EngineChoice("population", "test", 32)


class KeptProgress:
    def __init__(self) -> None:
        self.seen: list[SearchProgress] = []

    def say(self, sentence: str) -> None: ...

    def progress(self, progress: SearchProgress) -> None:
        self.seen.append(progress)

    def stop(self) -> None: ...


def search_in(
    folder: Path, trials: int = 27, *, method: str = "halving", choice=POPULATION, folds: int = 1
) -> SearchLoop:
    planned = plan(gather("iris", {"train.epochs": 9, "nn.hidden": (8,), "nn.dropout": 0.0, "train.batch_size": 32}))
    (folder / RECIPE).write_text(to_toml(planned.recipe))
    data = make_folds(planned, folds=folds)
    study = Study(folder, {"main_score": "accuracy"}, execution=Execution(choice.engine, choice.why))
    return SearchLoop(
        Records(study, TrialStore(sqlite_url(folder / "study.sqlite"), "s", identity={})),
        data,
        method=METHODS[method](SPACE, trials=trials, seed=0),
        pool=LocalPool(data, choice),
        display=KeptProgress(),
    )


def nothing() -> None: ...


@pytest.mark.parametrize("choice", [POPULATION, EngineChoice("sequential", "test")], ids=lambda d: d.engine)
def test_halving_gives_the_better_ones_more_epochs(tmp_path: Path, choice: EngineChoice) -> None:
    search = search_in(tmp_path, choice=choice)
    search.run(nothing)
    assert Counter(trial.epochs for trial in search.records.trials) == {1: 18, 3: 6, 9: 3}
    assert Counter(trial.state for trial in search.records.trials) == {"stopped": 24, "done": 3}
    first = sorted((trial.rungs[1], trial.epochs) for trial in search.records.trials)
    assert max(score for score, epochs in first if epochs == 1) <= min(score for score, epochs in first if epochs > 1)
    assert open_study(tmp_path).trials == tuple(search.records.trials)
    assert search.display.seen[-1].trials == 27 and search.display.seen[-1].leaders[0] == search.records.study.best


def test_both_engines_judge_alike(tmp_path: Path) -> None:
    scores = []
    for name, choice in (("a", POPULATION), ("b", EngineChoice("sequential", ""))):
        (tmp_path / name).mkdir()
        search = search_in(tmp_path / name, 6, method="sobol", choice=choice, folds=2)
        search.run(nothing)
        scores.append([trial.scores["loss"] for trial in search.records.trials])
        assert all(len(trial.folds) == 2 for trial in search.records.trials)
    assert scores[0] == pytest.approx(scores[1], abs=2e-3)


@pytest.mark.parametrize("method", ["sobol", "halving", "tpe", "coarse-to-fine"])
def test_a_search_that_was_stopped_is_resumed_exactly(tmp_path: Path, method: str) -> None:
    choice = EngineChoice("sequential", "")
    calls = 0

    def soon() -> None:
        nonlocal calls
        calls += 1
        if calls > 70:
            raise TimeUp

    (tmp_path / "whole").mkdir()
    whole = search_in(tmp_path / "whole", 9, method=method, choice=choice)
    whole.run(nothing)
    (tmp_path / "parts").mkdir()
    broken = search_in(tmp_path / "parts", 9, method=method, choice=choice)
    with pytest.raises(TimeUp):
        broken.run(soon)
    kept = {trial.number: trial for trial in broken.records.trials if not trial.is_interrupted}
    assert len(kept) < 9
    resumed = search_in(tmp_path / "parts", 9, method=method, choice=choice)
    resumed.run(nothing)
    assert [trial.number for trial in resumed.records.trials] == list(range(9))
    for number, trial in kept.items():
        assert resumed.records.trials[number] == trial
    same = [(trial.settings, trial.state, trial.score) for trial in whole.records.trials]
    assert [(trial.settings, trial.state, trial.score) for trial in resumed.records.trials] == same


def test_processes_that_share_a_study_do_not_repeat_each_other(tmp_path: Path) -> None:
    first, second = (
        search_in(tmp_path, 12, method="sobol", choice=EngineChoice("population", "", 4)) for _ in range(2)
    )
    first.records.store.shared = second.records.store.shared = True
    calls = 0

    def meanwhile() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            second.run(nothing)

    first.run(meanwhile)
    # Steps of one cohort: the others were finished by the second, which took the first one's too in the end.
    assert calls == 9 * 4
    assert [trial.number for trial in first.records.trials] == list(range(12))
    assert {trial.number: trial.score for trial in first.records.trials} == {
        t.number: t.score for t in second.records.trials
    }


def test_there_is_something_to_resume_before_any_trial_is_done(tmp_path: Path) -> None:
    def killed() -> None:
        assert open_study(tmp_path).status == "running"  # written before the first step
        raise TimeUp

    with RunLock(tmp_path), pytest.raises(TimeUp):
        search_in(tmp_path, 9).run(killed)


def test_time_left_counts_the_rungs_that_are_to_come(tmp_path: Path) -> None:
    search = search_in(tmp_path, 27)
    search.records.time.seconds_per_training = 10.0
    lefts = []
    search.display.progress = lambda progress: lefts.append(progress.left)
    first = True

    def once() -> None:
        nonlocal first
        if first:
            search.records._saved = -math.inf
            search.show()
            assert open_study(tmp_path).execution.left == pytest.approx(
                70, abs=1
            )  # what the page shows during a long training
        first = False

    search.run(once)
    # 27 configurations for a ninth, 9 for two ninths, 3 for two thirds of their epochs: 7 whole trainings
    assert lefts[0] == pytest.approx(70, abs=1) and lefts[-1] is None
    assert all(left is None or left < 70 for left in lefts[1:])


@pytest.mark.parametrize("method", ["sobol", "coarse-to-fine", "tpe"])
def test_processes_side_by_side_take_different_trials(
    tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (search_in(tmp_path, 24, method=method, choice=EngineChoice("population", "", 4)) for _ in range(2))
    first.records.store.shared = second.records.store.shared = True
    trained: list[int] = []
    for search in (first, second):
        own = search._train_group
        search._train_group = lambda group, settings, *, check, own=own: (
            trained.append(group.start),
            own(group, settings, check=check),
        )
    turns = iter(range(1000))

    def step() -> None:  # while the first is at its third cohort, the second starts and does all others
        if next(turns) == 2 * 9 * 4 + 1:
            with monkeypatch.context() as other:
                other.setattr(os, "getpid", os.getppid)  # another process, and one that lives
                second.run(nothing)

    first.run(step)
    assert trained[:3] == [0, 4, 8] and trained[3:] == [12, 16, 20, 8]
    assert len({str(trial.settings) for trial in first.records.trials}) == len(first.records.trials) == 24


def test_a_target_ends_the_search(tmp_path: Path) -> None:
    search = search_in(tmp_path, 64, method="sobol", choice=EngineChoice("population", "", 8))
    search.run(nothing, target=0.0)
    assert len(search.records.trials) == 8
