"""Nested cross-validation: how good is the whole procedure, the search included?

The score of a winner is too good, because it was chosen for it. Here examples are divided into outer folds; each is
held out while a whole search runs on the rest, and judges that search's winner, trained on all of the rest. No number
of the test split enters (Cawley and Talbot 2010, section 5).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from trainwell.core.errors import UsageError
from trainwell.core.files import storage_errors
from trainwell.data import Splits
from trainwell.population.folds import Ground, divide, stand
from trainwell.population.sequential import Sequential
from trainwell.search.loop import Campaign
from trainwell.search.methods import Proposer
from trainwell.search.results import interval
from trainwell.search.store import Store, sqlite_address
from trainwell.search.study import DATABASE, winning_recipe
from trainwell.search.workers import Crews

_INNER = 5  # a fifth of the rest is the inner validation part where the search has no folds of its own


def outer_grounds(ground: Ground, outer: int, folds: int) -> list[tuple[Ground, Ground]]:
    """Return for each outer fold the ground its search stands on, and the one its winner is judged on.

    Args:
        ground: that of the whole search; its test split stays out of reach.
        outer: outer folds.
        folds: inner folds, as `stand` takes them.
    Raises:
        UsageError: for fewer than 2 outer folds.
        DataError: if there are too few examples.
    """
    if outer < 2:
        raise UsageError(f"--nested must be at least 2, got {outer}.")
    plan, nothing = ground.plan, np.empty(0, dtype=np.int64)
    seen = np.sort(np.concatenate([plan.splits.train, plan.splits.validation]))
    found = []
    for rest, held in divide(plan, seen, outer):
        if folds > 1:
            inner = stand(
                dataclasses.replace(plan, splits=Splits(rest, nothing, nothing)), folds=folds, build=ground.build
            )
        else:
            train, chosen = divide(plan, rest, _INNER)[0]
            inner = Ground(plan, (Splits(train, chosen, nothing),), ground.build)
        found.append((inner, Ground(plan, (Splits(rest, held, nothing),), ground.build)))
    return found


def nest(
    campaign: Campaign, outer: int, *, make: Callable[[Ground], Crews], check: Callable[[], None]
) -> dict[str, Any]:
    """Run the search once more for each outer fold and judge its winners.

    Each search has a folder of its own inside the study's, and goes on where it was if it was broken off.

    Args:
        campaign: the search; its space, method and budget are repeated.
        outer: outer folds.
        make: what trains on a ground.
        check: called at every step.
    Returns:
        "scores" and "settings" of each outer fold's winner; "mean", "deviation", "low" and "high" of the scores.
    """
    study, spec = campaign.study, campaign.study.spec
    scores: list[float] = []
    settings: list[dict[str, Any]] = []
    for number, (inner, judge) in enumerate(outer_grounds(campaign.ground, outer, spec["folds"]), start=1):
        folder = study.path / f"outer-{number}"
        with storage_errors(f"Making {folder}", study.path):
            folder.mkdir(exist_ok=True)
        identity = {"fold": number, "outer": outer}
        crews = make(inner)
        try:
            search = Campaign(
                dataclasses.replace(study, path=folder, trials=(), seconds=0.0),
                inner,
                space=campaign.space,
                proposer=Proposer(campaign.space, method=spec["method"], trials=spec["trials"], seed=spec["seed"]),
                store=Store(sqlite_address(folder / DATABASE), folder.name, space=campaign.space, identity=identity),
                crews=crews,
                screen=campaign.screen,
            )
            search.run(check)
        finally:
            crews.stop()
        search.save(status="ok")
        best = search.study.best
        if best is None:
            continue
        winner = Sequential([winning_recipe(inner.plan.recipe, best)], judge)
        winner.train(1.0, check)
        (outcome,) = winner.outcomes()[0]
        if outcome.scores:
            scores.append(outcome.scores[study.main_score])
            settings.append(best.to_json()["settings"])
    found: dict[str, Any] = {"folds": outer, "scores": scores, "settings": settings}
    return found | (interval(scores, score=study.main_score) if len(scores) > 1 else {})
