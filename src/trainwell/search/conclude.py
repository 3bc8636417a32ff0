"""The end of a search: what its trials show, and how certain its choice is."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trainwell.recipe import edit
from trainwell.search.compute.protocols import StopCheck
from trainwell.search.loop import SearchLoop
from trainwell.search.results import all_diverged, best_at_edge, importance, welch_test
from trainwell.search.study import Conclusions, best_recipe
from trainwell.search.trials.trial import Trial


def conclude(search: SearchLoop, *, repeats: int, check: StopCheck) -> None:
    """Write the conclusions of a search into its study.

    Args:
        search: the search; its trials are finished.
        repeats: number of other seeds with which the winner and the runner-up are trained again; 0 for none.
        check: called at every step.
    """
    records = search.records
    space = search.method.space
    study = records.study
    best = study.best
    if best is None:
        findings = (all_diverged(study.trials, space),) if study.trials else ()
        records.save(conclusions=Conclusions(findings, nested=study.conclusions.nested))
        return
    importances = importance(study.trials, space)
    edge = best_at_edge(best, space, importances=importances)
    conclusions = replace(study.conclusions, findings=(edge,) if edge else (), importance=importances)
    records.save(conclusions=conclusions)
    if repeats > 1:
        second = next((trial for trial in study.ranked[1:] if trial.state == best.state), None)
        noise = _repeat(search, [trial for trial in (best, second) if trial], repeats=repeats, check=check)
        records.save(conclusions=replace(conclusions, noise=noise))


def _repeat(search: SearchLoop, trials: list[Trial], *, repeats: int, check: StopCheck) -> Mapping[str, Any]:
    """Train the winner and the runner-up with other seeds, and test whether their difference is significant.

    Returns:
        "winner" and "runner_up": their scores; "deviation" of the winner's; and the result of `welch_test`.
    """
    base = search.data.plan.recipe
    search.display.say(f"Training the winner and the runner-up again with {repeats} other seeds, to measure the noise.")
    seeds = [base.seed + 1 + number for number in range(repeats)]
    recipes = [edit(best_recipe(base, trial), {"seed": seed}) for trial in trials for seed in seeds]
    runner = search.pool.start(recipes)
    runner.train(1.0, check)
    main_score = search.records.study.main_score
    scores = [
        statistics.fmean(result.scores[main_score] for result in folds) if all(o.scores for o in folds) else None
        for folds in runner.results()
    ]
    noise: dict[str, Any] = {}
    for number, name in enumerate(("winner", "runner_up")[: len(trials)]):
        own = scores[number * repeats : (number + 1) * repeats]
        noise[name] = [score for score in own if score is not None]
    if len(noise["winner"]) > 1:
        noise["deviation"] = statistics.stdev(noise["winner"])
        if len(noise.get("runner_up", ())) > 1:
            noise |= welch_test(noise["winner"], noise["runner_up"])
    return noise
