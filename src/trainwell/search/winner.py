"""The final training of the best configuration, and the one evaluation on the test split."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path
from typing import Any

from trainwell.core.errors import DivergedError, TrainingError, TrainwellError
from trainwell.core.files import atomic_write, storage_errors
from trainwell.fitting import fit
from trainwell.recipe import Recipe, flatten, to_toml
from trainwell.search.compute.protocols import StopCheck
from trainwell.search.loop import SearchLoop
from trainwell.search.options import Options
from trainwell.search.study import WINNER, Study, Winner, best_recipe, free_name

# How long another process may take to train the winner; one on this host that died is noticed at once.
_WAIT_SECONDS = 1800.0
_POLL_SECONDS = 0.5
_LOOKS = "test looks"  # the key under which processes that share a study count evaluations on the test split


def finish(search: SearchLoop, source: Any, *, options: Options, status: str, check: StopCheck) -> Study:
    """Write the winner's recipe, train it as `fit` does, and evaluate it on the test split.

    Args:
        search: the search.
        source: the data as the user gave them.
        options: of the search.
        status: the status of the study when this is done.
        check: called while waiting for another process.
    Returns:
        the finished study.
    Raises:
        DivergedError: if every trial diverged.
        TrainingError: if no trial was finished.
    """
    records = search.records
    study = records.study
    if study.best is None:
        records.save(status=status)
        raise _no_winner(study)
    recipe = best_recipe(study.recipe, study.best)
    text = to_toml(recipe)
    with storage_errors(f"Writing {study.path / WINNER}", study.path):
        atomic_write(study.path / WINNER, text)
    if not options.evaluation.train_winner:
        records.save(status=status)
        return records.study
    store = records.store
    key = f"winner-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    _wait_for_others(search, key, check=check)
    result = store.read(key)
    if result is None:
        result = _train(search, recipe, key=key, source=source, options=options)
        store.write(_LOOKS, max(study.winner.test_looks, store.read(_LOOKS) or 0) + bool(result["test"]))
        store.write(key, result)
    looks = store.read(_LOOKS)
    run = os.path.relpath(result["run"], study.path.parent.absolute())
    records.save(status=status, winner=Winner(run, result["test"], looks))
    if looks:
        times = "once" if looks == 1 else f"{looks} times, so its score is slightly optimistic"
        search.display.say(f"The winner was chosen by validation score; the test split was evaluated {times}.")
    return records.study


def _no_winner(study: Study) -> TrainingError:
    problem: TrainingError
    if study.findings:
        problem = DivergedError(study.findings[0].title)
    else:
        problem = TrainingError("No trial was finished. Give the search more time.")
    problem.run = study.path
    return problem


def _train(search: SearchLoop, recipe: Recipe, *, key: str, source: Any, options: Options) -> dict[str, Any]:
    """Train the winner in a run of its own and return the run's path and its test scores."""
    path = search.records.study.path
    model = search.data.network(recipe, 0) if options.model else None
    name = free_name(path.parent, f"{path.name}-winner")
    search.display.say(f"Training the winner as fit does, in the run {name}.")
    edits = {key: value for key, value in flatten(recipe) if key != "data.source"}
    data = recipe.data.source if isinstance(source, (str, Path)) else source
    try:
        run = fit(data, model, name=name, runs=path.parent, edits=edits)
    except BaseException as problem:
        with contextlib.suppress(TrainwellError):  # other processes need not wait for this one
            search.records.store.release(key)
        if isinstance(problem, TrainwellError):
            problem.run = path
        raise
    return {"run": str(run.path.absolute()), "test": dict(run.scores.get("test", {}))}


def _wait_for_others(search: SearchLoop, key: str, *, check: StopCheck) -> None:
    """Wait while another process of a shared study trains this winner, unless that process is gone."""
    store = search.records.store
    if not store.shared or store.read(key) is not None or store.claim(key):
        return
    search.display.say("Another process is training the winner. Waiting for its result, so that it is tested once.")
    until = time.monotonic() + _WAIT_SECONDS
    while store.read(key) is None and not store.claim(key) and time.monotonic() < until:
        check()
        time.sleep(_POLL_SECONDS)
