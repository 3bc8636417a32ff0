"""The search space: which settings a search varies, and over which ranges or choices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from trainwell.recipe.sections.setting import Value

# One configuration: dotted key to value.
Configuration = dict[str, Value]


@dataclass(frozen=True)
class Range:
    """A range of numbers, sampled uniformly on a linear or a logarithmic scale.

    Args:
        low: the smallest value.
        high: the largest value.
        log: True for a logarithmic scale.
        whole: True for integers.

    >>> Range(1e-4, 1, log=True).at(0.5)
    0.01
    >>> [Range(1, 3, whole=True).at(fraction) for fraction in (0.0, 0.5, 1.0)]
    [1, 2, 3]
    """

    low: float
    high: float
    _: KW_ONLY
    log: bool = False
    whole: bool = False

    def at(self, fraction: float) -> Value:
        """Return the value at a fraction of the range, in [0, 1]: 0 is `low`, 1 is `high`."""
        if self.log:
            value = math.exp(math.log(self.low) + fraction * (math.log(self.high) - math.log(self.low)))
            value = float(f"{value:.12g}")  # exp(log(x)) differs from x by a rounding error
        else:
            value = self.low + fraction * (self.high - self.low)
        if not self.whole:
            return min(max(value, self.low), self.high)
        if not self.log:  # every integer covers an equal part of [0, 1]
            value = math.floor(self.low + fraction * (self.high - self.low + 1))
        return int(min(max(round(value), self.low), self.high))

    def fraction(self, value: Value) -> float:
        """Return where a value lies in the range, in [0, 1]: the inverse of `at`, up to rounding."""
        number = float(value[0] if isinstance(value, tuple) else value)
        if self.high == self.low:
            return 0.5
        if self.log:
            return math.log(number / self.low) / math.log(self.high / self.low)
        if self.whole:
            return (number - self.low + 0.5) / (self.high - self.low + 1)
        return (number - self.low) / (self.high - self.low)

    def grid(self, points: int) -> list[Value]:
        """Return `points` values at equal distances, both ends included; fewer if there are fewer integers."""
        values = [self.at(number / (points - 1)) if points > 1 else self.at(0.5) for number in range(points)]
        return list(dict.fromkeys(values))

    def describe(self) -> str:
        """Return the range as text that `make_space` reads."""
        return f"{'log:' if self.log else ''}{_exact(self.low)}..{_exact(self.high)}"


@dataclass(frozen=True)
class Categorical:
    """A choice between values.

    Args:
        values: what to choose from.
        weights: their probabilities; equal probabilities if empty.

    >>> Categorical(("sgd", "adamw")).at(0.7)
    'adamw'
    """

    values: tuple[Value, ...]
    weights: tuple[float, ...] = ()

    def at(self, fraction: float) -> Value:
        """Return the value at a fraction of [0, 1], where each value covers a part as wide as its probability."""
        reached = 0.0
        for value, width in zip(self.values, self._widths(), strict=True):
            reached += width
            if fraction < reached:
                return value
        return self.values[-1]

    def fraction(self, value: Value) -> float:
        """Return the middle of the part of [0, 1] that a value covers."""
        number = self.values.index(value)
        widths = self._widths()
        return sum(widths[:number]) + widths[number] / 2

    def grid(self, points: int) -> list[Value]:
        """Return all values, whatever `points` is."""
        return list(self.values)

    def describe(self) -> str:
        """Return the choice as text that `make_space` reads."""
        if self.weights:
            return f"bernoulli:{_exact(self.weights[-1])}"
        return ",".join(str(list(value) if isinstance(value, tuple) else value) for value in self.values)

    def _widths(self) -> tuple[float, ...]:
        return self.weights or (1 / len(self.values),) * len(self.values)


@dataclass(frozen=True)
class Space:
    """The settings that a search varies.

    Args:
        settings: dotted key to range or choice.
        when: conditions. Dotted key to the values that other settings must have for it to be active,
            {"optim.momentum": {"optim.name": "sgd"}}.

    >>> Space({"optim.learning_rate": Range(1e-4, 1, log=True)}).at([0.25])
    {'optim.learning_rate': 0.001}
    """

    settings: Mapping[str, Range | Categorical]
    when: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.settings)

    def at(self, fractions: Sequence[float]) -> Configuration:
        """Return the configuration at a point of the unit cube, without the inactive settings.

        Args:
            fractions: one number in [0, 1] for each setting, in their order.
        """
        pairs = zip(self.settings.items(), fractions, strict=True)
        return self.active({key: setting.at(fraction) for (key, setting), fraction in pairs})

    def active(self, values: Mapping[str, Value]) -> Configuration:
        """Return those of the values whose conditions hold."""
        return {key: values[key] for key in values if self.is_active(key, values)}

    def is_active(self, key: str, values: Mapping[str, Value]) -> bool:
        """Return True if every condition on a setting holds and the settings it depends on are active too."""
        return all(
            values.get(other) == wanted and self.is_active(other, values)
            for other, wanted in self.when.get(key, {}).items()
        )

    def fractions(self, configuration: Mapping[str, Value]) -> list[float]:
        """Return the point of the unit cube of a configuration; 0.5 for its inactive settings."""
        return [
            setting.fraction(configuration[key]) if key in configuration else 0.5
            for key, setting in self.settings.items()
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the space as plain data that `make_space` reads."""
        return {
            key: {"vary": setting.describe(), "when": dict(self.when.get(key, {}))}
            for key, setting in self.settings.items()
        }


def _exact(number: float) -> str:
    """Return the shortest text from which the same number is read back."""
    short = f"{number:g}"
    if float(short) == number:
        return short
    return str(int(number)) if float(number).is_integer() else repr(float(number))
