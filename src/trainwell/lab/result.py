"""What an experiment is given and what it returns. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from trainwell.core.figure import Figure


class Conditions(NamedTuple):
    """How an experiment is run.

    Args:
        full: the long version, as large as the original where there is one.
        data: pictures with classes for the experiments that train on some: "digits", or a path.
    """

    full: bool = False
    data: str = "digits"


class Expected(NamedTuple):
    """What a number must be: between two ends, around a value where the law gives one."""

    low: float = -math.inf
    high: float = math.inf
    value: float | None = None

    def holds(self, number: float) -> bool:
        """Tell whether a number is as expected; one that is not finite never is."""
        return math.isfinite(number) and self.low <= number <= self.high

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
    """Expect a value the law gives, exactly or within a tolerance."""
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
        numbers: what was measured, by name.
        expected: what the law says, for each of them.
        figure: what to look at.
        remark: on which data it ran, or what else one must know.
    """

    numbers: Mapping[str, float]
    expected: Mapping[str, Expected]
    figure: Figure
    remark: str = ""

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the numbers that are not as expected."""
        return tuple(name for name, number in self.numbers.items() if not self.expected[name].holds(number))


def result(checks: Mapping[str, tuple[float, Expected]], figure: Figure, remark: str = "") -> Result:
    """Make a result of name: (number, expected).

    >>> result({"a": (0.1, near(0.1)), "b": (3.0, at_most(2))}, Figure("", ())).failed
    ('b',)
    """
    numbers = {name: float(number) for name, (number, _) in checks.items()}
    return Result(numbers, {name: expected for name, (_, expected) in checks.items()}, figure, remark)
