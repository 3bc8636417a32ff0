"""What a search teaches: which settings mattered, whether a range was too narrow, whether the best is really better."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainwell.core.finding import Finding, Severity
from trainwell.recipe.schema import SETTINGS
from trainwell.search.space import Range, Space
from trainwell.search.trial import Trial

_FEWEST = 10  # trials below which a ranking of settings is noise
_MOST, _TREE = 1000, 256  # newest trials a ranking is made from, and those of a tree: a tenth of a second
_EDGE = 0.05  # share of a range that counts as its edge
_SMALL_RATE, _LARGE_RATE = 1e-5, 0.1  # rates between which nearly every network trains with some optimizer
_MATTERS = 0.05  # share of the differences below which a setting hardly matters


def importance(trials: Sequence[Trial], space: Space) -> dict[str, float]:
    """Return the share of the differences between scores that each setting accounts for, largest first; sum 1.

    The mean decrease of impurity in a random forest over the unit cube (as in Optuna; Louppe et al. 2013). Every
    trial is judged after the shortest time any was, and what diverged counts as the worst.

    Returns:
        dotted key to share; empty where there are too few trials, no differences, or none that settings foretell.
    """
    from sklearn.ensemble import RandomForestRegressor

    judged = list(trials)[-_MOST:]
    scores = [min(trial.rungs.items())[1] if trial.rungs else trial.score for trial in judged]
    known = [score for score in scores if score is not None]
    if len(judged) < _FEWEST or not known or max(known) == min(known) and len(known) == len(scores):
        return {}
    spread = max(known) - min(known) or 1.0
    heights = [score if score is not None else min(known) - 0.1 * spread for score in scores]
    shares = np.array([space.shares(trial.settings) for trial in judged])
    some = _TREE if len(judged) > _TREE else None
    forest = RandomForestRegressor(32, min_samples_leaf=2, max_samples=some, oob_score=True, random_state=0)
    forest.fit(shares, np.array(heights))
    if forest.oob_score_ <= 0:  # each tree's left-out trials are foretold no better than by their mean: it is noise
        return {}
    found = dict(zip(space.settings, (float(x) for x in forest.feature_importances_), strict=True))
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def edge(best: Trial, space: Space, shares: Mapping[str, float] | None = None) -> Finding | None:
    """Warn if the best lies at the edge of a range that could be wider: there may be better beyond it.

    Args:
        best: the best trial.
        space: what was varied.
        shares: what `importance` found; a setting of no importance lies where chance put it, which is no warning.
            None: not asked.

    >>> space = Space({"optim.learning_rate": Range(1e-4, 0.1, log=True)})
    >>> edge(Trial(0, {"optim.learning_rate": 0.09}, "done", 0.9), space).title
    'The best optim.learning_rate is at the edge of the range: widen it.'
    """
    where: list[str] = []
    evidence: dict[str, float] = {}
    for key, kind in space.settings.items():
        value = best.settings.get(key)
        if not isinstance(kind, Range) or not isinstance(value, (int, float)):
            continue
        share, limits = kind.share(value), SETTINGS[key].limits
        if share <= _EDGE and kind.low > limits.low:
            evidence |= {key: float(value), f"{key}.low": kind.low}
        elif share >= 1 - _EDGE and kind.high < limits.high:
            evidence |= {key: float(value), f"{key}.high": kind.high}
        else:
            continue
        where.append(key)
    if not where:
        return None
    names = " and ".join(where)
    title = f"The best {names} {'is' if len(where) == 1 else 'are'} at the edge of the range: widen it"
    if shares is not None and all(shares.get(key, 0.0) < _MATTERS for key in where):
        seen = "in this range it made hardly a difference" if shares else "these trials do not tell whether it does"
        title = f"{title}, if it is to matter: {seen}."
        return Finding("best_at_edge", Severity.INFO, title, evidence=evidence, where=tuple(where))
    return Finding("best_at_edge", Severity.WARNING, f"{title}.", evidence=evidence, where=tuple(where))


def all_diverged(trials: Sequence[Trial], space: Space) -> Finding:
    """Say that every trial diverged, with the best guess why."""
    key = "optim.learning_rate"
    given = [trial.settings.get(key) for trial in trials]
    rates = [float(rate) for rate in given if isinstance(rate, (int, float))]
    low = min(rates, default=math.inf)
    if low < _SMALL_RATE:
        guess = (
            f"the smallest learning rate tried, {low:.3g}, is low, so look at the data first: trainwell audit DATA, "
            "and --set data.prepare=standardise"
        )
    elif rates:
        lower = f"--vary {key}=log:{min(low / 1000, _SMALL_RATE):.0e}..{min(low, _LARGE_RATE):.0e}"
        guess = f"the smallest learning rate tried was {low:.3g}: search lower ones, {lower}"
    else:
        guess = "the learning rate is probably too high: vary it, or lower it with --set optim.learning_rate=0.001"
    title = f"All {len(trials)} trials diverged; {guess}."
    numbers = {"trials": float(len(trials))} | ({"smallest_learning_rate": low} if rates else {})
    return Finding("every_trial_diverged", Severity.ERROR, title, evidence=numbers, where=tuple(space.settings)[:1])


def interval(values: Sequence[float], *, score: str = "") -> dict[str, float]:
    """Return mean, standard deviation and the 95 % interval of the mean (Student's t); needs two values or more.

    No score lies above 1, and only r2 below 0: the interval ends there.

    Folds share training examples, so that over folds the interval is somewhat too narrow (Bengio and Grandvalet 2004).

    >>> {name: round(value, 3) for name, value in interval([0.9, 0.92, 0.94]).items()}
    {'mean': 0.92, 'deviation': 0.02, 'low': 0.87, 'high': 0.97}
    >>> interval([0.8, 1.0], score="accuracy")["high"]
    1.0
    """
    from scipy.stats import t

    mean, deviation = statistics.fmean(values), statistics.stdev(values)
    half = float(t.ppf(0.975, len(values) - 1)) * deviation / math.sqrt(len(values))
    least, most = {"": (-math.inf, math.inf), "r2": (-math.inf, 1.0)}.get(score, (0.0, 1.0))
    return {"mean": mean, "deviation": deviation, "low": max(mean - half, least), "high": min(mean + half, most)}


def really_better(best: Sequence[float], second: Sequence[float]) -> dict[str, Any]:
    """Tell whether the best configuration beats the runner-up by more than chance, from repeated seeds of both.

    Args:
        best: scores of the best with several seeds.
        second: scores of the runner-up with the same seeds.
    Returns:
        "difference" of the means, "p_value" of Welch's test, and "really" (p < 0.05 and better).

    >>> really_better([0.9, 0.91, 0.92], [0.5, 0.51, 0.53])["really"]
    True
    """
    from scipy.stats import ttest_ind

    difference = statistics.fmean(best) - statistics.fmean(second)
    if statistics.pstdev(best) == 0 and statistics.pstdev(second) == 0:
        p_value = 1.0 if difference == 0 else 0.0
    else:
        p_value = float(ttest_ind(best, second, equal_var=False).pvalue)
    return {"difference": difference, "p_value": p_value, "really": bool(difference > 0 and p_value < 0.05)}


def describe_settings(settings: Mapping[str, Any]) -> str:
    """Write settings in one line.

    >>> describe_settings({"optim.learning_rate": 0.00123456, "optim.name": "sgd"})
    'learning_rate 0.00123 · name sgd'
    """
    return " · ".join(f"{key.rpartition('.')[2]} {_short(value)}" for key, value in settings.items())


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(list(value) if isinstance(value, tuple) else value)
