"""Helpers for series of many layers or parameters."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from trainwell.core.signals import Series


def of_weights(series: Mapping[str, Series]) -> dict[str, Series]:
    """Keep the weights: biases start at zero, so ratios to their size mean nothing.

    >>> list(of_weights({"fc1.weight": Series(), "fc1.bias": Series()}))
    ['fc1.weight']
    """
    return {name: one for name, one in series.items() if what_of(name) in ("weight", "kernel")}


def what_of(parameter: str) -> str:
    """Return the last part of a parameter's name, as PyTorch or Keras names it.

    >>> what_of("fc1.weight"), what_of("sequential/dense/kernel")
    ('weight', 'kernel')
    """
    return parameter.replace("/", ".").rpartition(".")[2]


def median_over_layers(series: Mapping[str, Series]) -> Series:
    """Return, for each step at which all series have a value, the median of the values.

    >>> median_over_layers({"a": Series([0, 1], [1.0, 2.0]), "b": Series([0, 1], [3.0, 4.0])})
    Series(steps=[0, 1], values=[2.0, 3.0])
    """
    if not series:
        return Series()
    columns = [dict(one) for one in series.values()]
    steps = [step for step in columns[0] if all(step in column for column in columns)]
    return Series(steps, [statistics.median(column[step] for column in columns) for step in steps])


def worst_first(values: Mapping[str, float]) -> tuple[str, ...]:
    """Return the names by falling value.

    >>> worst_first({"a": 0.5, "b": 0.9})
    ('b', 'a')
    """
    return tuple(sorted(values, key=lambda name: -values[name]))


def first_step_at_or_above(series: Series, limit: float) -> int:
    """Return the first step of the last unbroken stretch at or above a limit.

    >>> first_step_at_or_above(Series([0, 1, 2, 3], [0.9, 0.1, 0.8, 0.9]), 0.5)
    2
    """
    first = series.steps[-1]
    for step, value in reversed(list(series)):
        if value < limit:
            break
        first = step
    return first
