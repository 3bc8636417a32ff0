"""What the trials of a search show: which settings matter, whether a range is too narrow, whether a gain is real."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainwell.core.finding import Finding, Severity
from trainwell.recipe.schema import SETTINGS
from trainwell.search.trials.space import Range, Space
from trainwell.search.trials.trial import Trial

_FEWEST = 10  # with fewer trials, a ranking of settings is noise
_MOST = 1000  # the newest trials are ranked, so that it takes a tenth of a second
_PER_TREE = 256  # of them, trials from which each tree is grown
_TREES = 32
_EDGE = 0.05  # fraction of a range that counts as its edge
# Learning rates between which nearly every network trains with some optimizer.
_SMALL_RATE = 1e-5
_LARGE_RATE = 0.1
_MATTERS = 0.05  # a setting of smaller importance hardly matters
_SIGNIFICANT = 0.05  # the usual p-value
_LIMITS = {"": (-math.inf, math.inf), "r2": (-math.inf, 1.0)}  # of scores that can leave [0, 1]


def importance(trials: Sequence[Trial], space: Space) -> dict[str, float]:
    """Return the importance of each setting: its share of the differences between scores, largest first, sum 1.

    The mean decrease of impurity in a random forest over the unit cube (Louppe et al. 2013; as in Optuna). Trials are
    compared after the smallest number of epochs at which each was scored, and diverged trials count as worse than all
    others.

    Returns:
        dotted key to importance; empty if there are too few trials, if scores are equal, or if the settings do not
        predict the score.
    """
    from sklearn.ensemble import RandomForestRegressor

    judged = list(trials)[-_MOST:]
    scores = [min(trial.rungs.items())[1] if trial.rungs else trial.score for trial in judged]
    known = [score for score in scores if score is not None]
    if len(judged) < _FEWEST or not known:
        return {}
    some_diverged = len(known) < len(scores)
    if max(known) == min(known) and not some_diverged:
        return {}
    spread = max(known) - min(known) or 1.0
    heights = [score if score is not None else min(known) - 0.1 * spread for score in scores]
    points = np.array([space.fractions(trial.settings) for trial in judged])
    forest = RandomForestRegressor(
        _TREES,
        min_samples_leaf=2,
        max_samples=_PER_TREE if len(judged) > _PER_TREE else None,
        oob_score=True,
        random_state=0,
    )
    forest.fit(points, np.array(heights))
    if forest.oob_score_ <= 0:  # held-out trials are predicted no better than by their mean: the differences are noise
        return {}
    found = dict(zip(space.settings, (float(x) for x in forest.feature_importances_), strict=True))
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def best_at_edge(best: Trial, space: Space, *, importances: Mapping[str, float] | None = None) -> Finding | None:
    """Return a finding if the best value lies at the edge of a range: there may be better values outside.

    Args:
        best: the best trial.
        space: the search space.
        importances: what `importance` returned. A setting without importance is at the edge by chance, which is no
            warning. None if not computed.

    >>> space = Space({"optim.learning_rate": Range(1e-4, 0.1, log=True)})
    >>> trial = Trial(0, {"optim.learning_rate": 0.09}, state="done")
    >>> best_at_edge(trial, space).title
    'The best optim.learning_rate is at the edge of the range: widen it.'
    """
    where: list[str] = []
    evidence: dict[str, float] = {}
    for key, setting in space.settings.items():
        value = best.settings.get(key)
        if not isinstance(setting, Range) or not isinstance(value, (int, float)):
            continue
        fraction = setting.fraction(value)
        limits = SETTINGS[key].limits
        if fraction <= _EDGE and setting.low > limits.low:
            evidence |= {key: float(value), f"{key}.low": setting.low}
        elif fraction >= 1 - _EDGE and setting.high < limits.high:
            evidence |= {key: float(value), f"{key}.high": setting.high}
        else:
            continue
        where.append(key)
    if not where:
        return None
    title = f"The best {' and '.join(where)} {'is' if len(where) == 1 else 'are'} at the edge of the range"
    severity = Severity.WARNING
    if importances is None or any(importances.get(key, 0.0) >= _MATTERS for key in where):
        title = f"{title}: widen it."
    elif importances:
        severity = Severity.INFO
        title = f"{title}, but made hardly a difference to the score: there is probably no need to widen it."
    else:
        severity = Severity.INFO
        title = f"{title}, but these trials do not tell whether it affects the score: widen it if you expect so."
    return Finding("best_at_edge", severity, title, evidence=evidence, where=tuple(where))


def all_diverged(trials: Sequence[Trial], space: Space) -> Finding:
    """Return the finding that every trial diverged, with the most likely cause."""
    key = "optim.learning_rate"
    values = [trial.settings.get(key) for trial in trials]
    rates = [float(rate) for rate in values if isinstance(rate, (int, float))]
    smallest = min(rates, default=math.inf)
    if smallest < _SMALL_RATE:
        cause = (
            f"the smallest learning rate tried, {smallest:.3g}, is low, so check the data first: trainwell audit "
            "DATA, and --set data.prepare=standardise"
        )
    elif rates:
        lower = f"--vary {key}=log:{min(smallest / 1000, _SMALL_RATE):.0e}..{min(smallest, _LARGE_RATE):.0e}"
        cause = f"the smallest learning rate tried was {smallest:.3g}: try lower ones, {lower}"
    else:
        cause = "the learning rate is probably too high: vary it, or lower it with --set optim.learning_rate=0.001"
    numbers = {"trials": float(len(trials))} | ({"smallest_learning_rate": smallest} if rates else {})
    return Finding(
        "every_trial_diverged",
        Severity.ERROR,
        f"All {len(trials)} trials diverged; {cause}.",
        evidence=numbers,
        where=tuple(space.settings)[:1],
    )


def confidence_interval(values: Sequence[float], *, score: str = "") -> dict[str, float]:
    """Return the mean, the standard deviation and the 95 % confidence interval of the mean (Student's t).

    Folds share training examples, so that over folds the interval is somewhat too narrow (Bengio and Grandvalet 2004).

    Args:
        values: at least two.
        score: name of the score, whose limits the interval does not cross; empty for none.

    >>> {name: round(value, 3) for name, value in confidence_interval([0.9, 0.92, 0.94]).items()}
    {'mean': 0.92, 'deviation': 0.02, 'low': 0.87, 'high': 0.97}
    >>> confidence_interval([0.8, 1.0], score="accuracy")["high"]
    1.0
    """
    from scipy.stats import t

    mean = statistics.fmean(values)
    deviation = statistics.stdev(values)
    half = float(t.ppf(0.975, len(values) - 1)) * deviation / math.sqrt(len(values))
    lowest, highest = _LIMITS.get(score, (0.0, 1.0))
    return {"mean": mean, "deviation": deviation, "low": max(mean - half, lowest), "high": min(mean + half, highest)}


def welch_test(best: Sequence[float], second: Sequence[float]) -> dict[str, Any]:
    """Test whether the best configuration is significantly better than the runner-up (Welch's t-test).

    Args:
        best: scores of the best with several seeds.
        second: scores of the runner-up with the same seeds.
    Returns:
        "difference" of the means, "p_value", and "really": True if p < 0.05 and the best is better.

    >>> welch_test([0.9, 0.91, 0.92], [0.5, 0.51, 0.53])["really"]
    True
    """
    from scipy.stats import ttest_ind

    difference = statistics.fmean(best) - statistics.fmean(second)
    if statistics.pstdev(best) == 0 and statistics.pstdev(second) == 0:
        p_value = 1.0 if difference == 0 else 0.0
    else:
        p_value = float(ttest_ind(best, second, equal_var=False).pvalue)
    return {
        "difference": difference,
        "p_value": p_value,
        "really": bool(difference > 0 and p_value < _SIGNIFICANT),
    }


def describe_settings(settings: Mapping[str, Any]) -> str:
    """Return settings as one line of text.

    >>> describe_settings({"optim.learning_rate": 0.00123456, "optim.name": "sgd"})
    'learning_rate 0.00123 · name sgd'
    """
    return " · ".join(f"{key.rpartition('.')[2]} {_short(value)}" for key, value in settings.items())


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(list(value) if isinstance(value, tuple) else value)
