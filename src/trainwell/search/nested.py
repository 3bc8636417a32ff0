"""Nested cross-validation: how good is the whole procedure, with the search as a part of it?

The validation score of a winner is optimistic, because the winner was chosen by it. Here the examples are divided into
outer folds; each is held out while a whole search runs on the rest, and evaluates that search's winner, trained on all
of the rest. The test split is not used (Cawley and Talbot 2010, section 5).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from trainwell.core.errors import UsageError
from trainwell.core.files import storage_errors
from trainwell.data import Splits
from trainwell.population.folds import Folds, divide, make_folds
from trainwell.population.sequential import SequentialTraining
from trainwell.search.compute.protocols import Pool, StopCheck
from trainwell.search.loop import SearchLoop
from trainwell.search.methods import METHODS
from trainwell.search.records import Records
from trainwell.search.results import confidence_interval
from trainwell.search.store import TrialStore, sqlite_url
from trainwell.search.study import DATABASE, Conclusions, Study, Winner, best_recipe
from trainwell.search.trials.trial import Trial

_INNER_FOLDS = 5  # where a search has no folds of its own, a fifth of the rest is its validation split


def outer_folds(data: Folds, *, outer: int, inner: int) -> list[tuple[Folds, Folds]]:
    """Return, for each outer fold, the data of its search and the data on which its winner is evaluated.

    Args:
        data: the data of the whole search; its test split is not used.
        outer: number of outer folds.
        inner: number of inner folds, as `folds` in `tune`.
    Raises:
        UsageError: for fewer than 2 outer folds.
        DataError: if there are too few examples.
    """
    if outer < 2:
        raise UsageError(f"--nested must be at least 2, got {outer}.")
    plan = data.plan
    empty = np.empty(0, dtype=np.int64)
    seen = np.sort(np.concatenate([plan.splits.train, plan.splits.validation]))
    found = []
    for rest, held_out in divide(plan, seen, folds=outer):
        if inner > 1:
            rest_only = dataclasses.replace(plan, splits=Splits(rest, empty, empty))
            search_data = make_folds(rest_only, folds=inner, build=data.build)
        else:
            train, validation = divide(plan, rest, folds=_INNER_FOLDS)[0]
            search_data = Folds(plan, (Splits(train, validation, empty),), data.build)
        found.append((search_data, Folds(plan, (Splits(rest, held_out, empty),), data.build)))
    return found


def cross_validate_search(
    search: SearchLoop, outer: int, *, make_pool: Callable[[Folds], Pool], check: StopCheck
) -> dict[str, Any]:
    """Run the search once more for each outer fold, and evaluate its winner on that fold.

    Each search has a folder of its own inside the study's, and is resumed if it was stopped.

    Args:
        search: the search whose space, method and number of trials are repeated.
        outer: number of outer folds.
        make_pool: returns what trains on some data.
        check: called at every step.
    Returns:
        "scores" and "settings" of each outer fold's winner; "mean", "deviation", "low" and "high" of the scores.
    """
    study = search.records.study
    scores: list[float] = []
    settings: list[dict[str, Any]] = []
    pairs = outer_folds(search.data, outer=outer, inner=study.spec["folds"])
    for number, (inner, held_out) in enumerate(pairs, start=1):
        folder = study.path / f"outer-{number}"
        with storage_errors(f"Creating {folder}", study.path):
            folder.mkdir(exist_ok=True)
        pool = make_pool(inner)
        try:
            identity = {"fold": number, "outer": outer}
            best = _inner_search(search, folder, identity=identity, data=inner, pool=pool, check=check)
        finally:
            pool.stop()
        if best is None:
            continue
        winner = SequentialTraining([best_recipe(inner.plan.recipe, best)], held_out)
        winner.train(1.0, check)
        (result,) = winner.results()[0]
        if result.scores:
            scores.append(result.scores[study.main_score])
            settings.append(best.to_json()["settings"])
    found: dict[str, Any] = {"folds": outer, "scores": scores, "settings": settings}
    return found | (confidence_interval(scores, score=study.main_score) if len(scores) > 1 else {})


def _inner_search(
    search: SearchLoop, folder: Path, *, identity: dict[str, int], data: Folds, pool: Pool, check: StopCheck
) -> Trial | None:
    """Run a search on the data of one outer fold and return its best trial; None if all diverged."""
    study: Study = search.records.study
    execution = dataclasses.replace(study.execution, seconds=0.0)
    inner_study = dataclasses.replace(
        study, path=folder, trials=(), execution=execution, conclusions=Conclusions(), winner=Winner()
    )
    method = METHODS[study.spec["method"]](search.method.space, trials=study.spec["trials"], seed=study.spec["seed"])
    with TrialStore(sqlite_url(folder / DATABASE), folder.name, identity=identity) as store:
        records = Records(inner_study, store)
        inner = SearchLoop(records, data, method=method, pool=pool, display=search.display)
        inner.run(check)
        records.save(status="ok")
        return records.study.best
