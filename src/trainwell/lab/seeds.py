"""Repetition over seeds: the same experiment several times, and curves with the interval of their mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import torch

from trainwell.core.figure import Curve, curve
from trainwell.lab.result import Conditions, Interval, mean_of

Found = TypeVar("Found")


def repeat(conditions: Conditions, once: Callable[[], Found]) -> list[Found]:
    """Run something once for every seed, after seeding torch with it.

    >>> first, second = repeat(Conditions(seeds=2), lambda: torch.rand(()).item())
    >>> first == second
    False
    """
    found = []
    for seed in range(conditions.seeds):
        torch.manual_seed(seed)
        found.append(once())
    return found


def means(runs: Sequence[Mapping[str, float]]) -> dict[str, Interval]:
    """Return mean and interval of every number; each run names the same ones.

    >>> means([{"loss": 1.0}, {"loss": 3.0}])["loss"].mean
    2.0
    """
    return {name: mean_of([run[name] for run in runs]) for name in runs[0]}


def mean_curve(
    name: str, runs: Sequence[Sequence[float]], *, xs: Iterable[Any] | None = None, kind: str = "line", colour: int = 0
) -> Curve:
    """Return the mean of curves that were measured at the same places, one for each seed, with its 95 % interval.

    >>> mean_curve("loss", [[2.0, 1.0], [4.0, 1.0]]).points
    ((0.0, 3.0), (1.0, 1.0))
    """
    found = [mean_of(values) for values in zip(*runs, strict=True)]
    series = curve(name, [interval.mean for interval in found], xs=xs, kind=kind, colour=colour)
    return series._replace(errors=tuple(interval.half for interval in found))


def mean_curves(
    named: Mapping[str, Sequence[Sequence[float]]], *, xs: Iterable[Any] | None = None, kind: str = "line"
) -> tuple[Curve, ...]:
    """Return one mean curve for each entry, each in a colour of its own."""
    places = None if xs is None else list(xs)
    return tuple(
        mean_curve(name, runs, xs=places, kind=kind, colour=number) for number, (name, runs) in enumerate(named.items())
    )
