"""Is an old choice still a good one on today's data? A small grid around it says."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainwell.core.errors import UsageError
from trainwell.core.finding import Finding, Severity
from trainwell.recipe import Recipe, flatten
from trainwell.runs import Run
from trainwell.search.results import describe_settings
from trainwell.search.study import RECIPE, Study
from trainwell.search.tune import Options, free_name, tune

_FACTOR = 3.0  # a neighbour's rate or decay: half an order of magnitude away
_STEP = 0.1  # a neighbour's dropout


def neighbourhood(recipe: Recipe) -> dict[str, list[Any]]:
    """Return the settings to try again, each with its old value first.

    >>> neighbourhood(Recipe())["optim.learning_rate"]
    [0.001, 0.000333333, 0.003]
    """
    found: dict[str, list[Any]] = {}
    for key in ("optim.learning_rate", "optim.weight_decay"):
        value = dict(flatten(recipe))[key]
        if isinstance(value, float) and value > 0:
            found[key] = [value, float(f"{value / _FACTOR:.6g}"), float(f"{value * _FACTOR:.6g}")]
    dropout = recipe.nn.dropout
    if dropout:
        found["nn.dropout"] = [dropout, round(max(0.0, dropout - _STEP), 6), round(min(0.95, dropout + _STEP), 6)]
    return found


def retest(
    path: str | os.PathLike[str], *, runs: str | os.PathLike[str] = "runs", options: Options | None = None
) -> Study:
    """Train a run's recipe and its neighbours again on the data as they are today.

    Args:
        path: folder of the run.
        runs: folder in which the study is made.
        options: as in `tune`; the edits go on top of the run's recipe.
    Returns:
        the study; its findings begin with whether the old choice holds.
    Raises:
        UsageError: if the run's data or network were given from Python.
    """
    run = Run.open(path)
    recipe = run.recipe
    if recipe.data.source in ("arrays", "loaders") or recipe.nn.model == "custom":
        raise UsageError(f"The run {run.path} needs data or a network from Python: search around it with tune(...).")
    options = options or Options()
    options = replace(options, name=options.name or free_name(Path(runs), f"{run.name}-retest"))
    space = neighbourhood(recipe)
    trials = 3 ** len(space)
    study = tune(str(run.path / RECIPE), space, trials=trials, method="grid", runs=runs, options=options)
    judged = replace(study, findings=(verdict(study, space), *study.findings))
    judged.save()
    return judged


def verdict(study: Study, space: dict[str, list[Any]]) -> Finding:
    """Say whether the old settings, the first of each list, are still the best."""
    old = {key: values[0] for key, values in space.items()}
    before = next((trial for trial in study.trials if dict(trial.settings) == old), None)
    best = study.best
    if best is None or before is None or before.score is None or best.score is None:
        title = f"The old choice ({describe_settings(old)}) diverges on today's data."
        return Finding("old_choice_fails", Severity.WARNING, title)
    gain = best.score - before.score
    evidence = {"old": before.score, "best": best.score, "gain": gain}
    # With repeated seeds, what they scatter by is the threshold; without, any gain counts.
    scatter = float(study.noise.get("deviation", 0.0))
    if best is before or gain <= 2 * scatter:
        title = f"The old choice ({describe_settings(old)}) still holds."
        return Finding("old_choice_holds", Severity.INFO, title, evidence=evidence | {"threshold": 2 * scatter})
    title = f"The old choice is beaten by {gain:.4f}: {describe_settings(best.settings)}."
    return Finding(
        "old_choice_beaten", Severity.WARNING, title, evidence=evidence | {"threshold": 2 * scatter}, where=tuple(space)
    )
