"""Testing whether a configuration chosen earlier is still a good one on today's data, by a small grid around it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainwell.core.errors import UsageError
from trainwell.core.finding import Finding, Severity
from trainwell.recipe import Recipe, flatten
from trainwell.runs import Run
from trainwell.search.options import Options
from trainwell.search.results import describe_settings
from trainwell.search.study import RECIPE, Study, free_name
from trainwell.search.tune import tune

_FACTOR = 3.0  # between neighbouring learning rates or weight decays: half an order of magnitude
_STEP = 0.1  # between neighbouring dropout probabilities
_HIGHEST_DROPOUT = 0.95


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
        lower = round(max(0.0, dropout - _STEP), 6)
        higher = round(min(_HIGHEST_DROPOUT, dropout + _STEP), 6)
        found["nn.dropout"] = [dropout, lower, higher]
    return found


def retest(
    path: str | os.PathLike[str], *, runs: str | os.PathLike[str] = "runs", options: Options | None = None
) -> Study:
    """Train a run's configuration and its neighbours again on the data as they are today.

    Args:
        path: folder of the run.
        runs: folder in which the study is created.
        options: as in `tune`; the edits are applied to the run's recipe.
    Returns:
        the study; its first finding says whether the old configuration is still the best.
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
    findings = (verdict(study, space), *study.findings)
    judged = replace(study, conclusions=replace(study.conclusions, findings=findings))
    judged.save()
    return judged


def verdict(study: Study, space: Mapping[str, Sequence[Any]]) -> Finding:
    """Return the finding whether the old settings, the first of each list, are still the best."""
    old = {key: values[0] for key, values in space.items()}
    before = next((trial for trial in study.trials if dict(trial.settings) == old), None)
    best = study.best
    if best is None or before is None or before.score is None or best.score is None:
        title = f"The old configuration ({describe_settings(old)}) diverges on today's data."
        return Finding("old_choice_fails", Severity.WARNING, title)
    gain = best.score - before.score
    # The threshold is the spread over repeated seeds; without repeats, any gain counts.
    threshold = 2 * float(study.conclusions.noise.get("deviation", 0.0))
    evidence = {"old": before.score, "best": best.score, "gain": gain, "threshold": threshold}
    if best is before or gain <= threshold:
        title = f"The old configuration ({describe_settings(old)}) is still the best."
        return Finding("old_choice_holds", Severity.INFO, title, evidence=evidence)
    title = f"Another configuration is better than the old one by {gain:.4f}: {describe_settings(best.settings)}."
    return Finding("old_choice_beaten", Severity.WARNING, title, evidence=evidence, where=tuple(space))
