"""What an experiment receives and what it returns. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trainwell.core.figure import Figure


class Conditions(NamedTuple):
    """How an experiment is run.

    Args:
        full: run the long version, as large as the original where there is one.
        data: images with classes for the experiments that train on some: "digits", or a path.
        seeds: how often everything random is repeated, with seeds 0, 1, 2, ...; at least 2.
    """

    full: bool = False
    data: str = "digits"
    seeds: int = 5


class Interval(NamedTuple):
    """A mean over repetitions and its 95 % confidence interval.

    Args:
        mean: mean of the repetitions.
        half: half the width of the interval.
        repetitions: how many there were.
    """

    mean: float
    half: float
    repetitions: int

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.mean + self.half


def mean_of(values: Sequence[float]) -> Interval:
    """Return the mean of independent repetitions with its 95 % confidence interval by Student's t distribution.

    Raises:
        ValueError: if there are fewer than two values: one has no spread.

    >>> found = mean_of([1.0, 2.0, 3.0])
    >>> found.mean, round(found.half, 2), found.repetitions
    (2.0, 2.48, 3)
    """
    from scipy.special import stdtrit

    if len(values) < 2:
        raise ValueError(f"An interval needs at least 2 repetitions, got {len(values)}.")
    mean = math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
    half = float(stdtrit(len(values) - 1, 0.975)) * deviation / math.sqrt(len(values))
    return Interval(mean, half, len(values))


class Expected(NamedTuple):
    """The range in which a number must lie; around a value where theory gives one."""

    low: float = -math.inf
    high: float = math.inf
    value: float | None = None

    def holds(self, number: float | Interval) -> bool:
        """Tell whether a number is as expected; one that is not finite never is.

        Of an interval the whole must lie in the range: an effect counts only if it is larger than its error.

        >>> at_least(0.0).holds(Interval(0.3, 0.2, 5)), at_least(0.0).holds(Interval(0.1, 0.2, 5))
        (True, False)
        """
        low, high = (number.low, number.high) if isinstance(number, Interval) else (number, number)
        return math.isfinite(low) and math.isfinite(high) and self.low <= low and high <= self.high

    def __str__(self) -> str:
        """Write it for a person.

        >>> str(near(0.5, within=0.01)), str(at_least(3))
        ('0.5 ± 0.01', 'at least 3')
        """
        if self.value is not None:
            return f"{self.value:.4g} ± {self.high - self.value:.2g}" if self.high > self.low else f"{self.value:.4g}"
        if self.low > -math.inf and self.high < math.inf:
            return f"{self.low:.4g} to {self.high:.4g}"
        return f"at least {self.low:.4g}" if self.low > -math.inf else f"at most {self.high:.4g}"

    def plain(self) -> float | list[float | None]:
        """Return it for JSON: the value, or [low, high] with None for an open end."""
        if self.value is not None:
            return self.value
        return [end if math.isfinite(end) else None for end in (self.low, self.high)]


def near(value: float, *, within: float = 0.0) -> Expected:
    """Expect a value that theory gives, exactly or within a tolerance."""
    return Expected(value - within, value + within, value)


def at_most(value: float) -> Expected:
    """Expect a value or less."""
    return Expected(high=value)


def at_least(value: float) -> Expected:
    """Expect a value or more."""
    return Expected(low=value)


class Result(NamedTuple):
    """What an experiment found.

    Args:
        numbers: what was measured, by name; the mean where it was repeated.
        expected: the range each of them must lie in.
        figure: what to look at.
        remark: on which data it ran, or what else one must know.
        intervals: mean and 95 % confidence interval of the numbers that were repeated over seeds.
    """

    numbers: Mapping[str, float]
    expected: Mapping[str, Expected]
    figure: Figure
    remark: str = ""
    intervals: Mapping[str, Interval] = {}

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the numbers that are not as expected."""
        return tuple(
            name
            for name, number in self.numbers.items()
            if not self.expected[name].holds(self.intervals.get(name, number))
        )

    @property
    def note(self) -> str:
        """How to read the intervals, in a sentence; empty where there are none."""
        counts = sorted({interval.repetitions for interval in self.intervals.values()})
        if not counts:
            return ""
        times = " and ".join(f"{count:,}" for count in counts)
        return (
            f"± is the 95 % confidence interval of the mean of {times} repetitions with different seeds; "
            "all of it must lie in the expected range."
        )


def result(checks: Mapping[str, tuple[float | Interval, Expected]], figure: Figure, *, remark: str = "") -> Result:
    """Make a result of name: (number or interval, expected).

    >>> result({"a": (0.1, near(0.1)), "b": (3.0, at_most(2))}, Figure("", ())).failed
    ('b',)
    """
    intervals = {name: number for name, (number, _) in checks.items() if isinstance(number, Interval)}
    numbers = {
        name: number.mean if isinstance(number, Interval) else float(number) for name, (number, _) in checks.items()
    }
    return Result(numbers, {name: expected for name, (_, expected) in checks.items()}, figure, remark, intervals)
