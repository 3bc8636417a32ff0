"""How one setting is declared: default, meaning, limits, note and dependencies stand in one place."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Value = bool | int | float | str | tuple[int, ...] | tuple[str, ...]

Values = Mapping[str, Any]
"""All settings of a recipe by dotted key."""

Relation = Callable[[Values], Iterator[str]]
"""What must hold between settings: yields one sentence for each mistake."""

Role = Literal["alone", "varies", "equal", "network", "ignored"]
"""What a setting means for networks that train together as one program (a population).

- "varies": it changes numbers, not the program: each network may have its own value.
- "equal": all networks of one program need the same value.
- "network": it shapes the network; networks of equal structure share a program.
- "ignored": the training itself does not depend on it.
- "alone": the shared program does not know it; with any value but the default, a network trains alone.
"""

_HUGE = 2**31  # an upper limit that only a typing error exceeds


@dataclass(frozen=True)
class Limits:
    """The values a setting accepts: a range, a list of words, or the names of a catalogue.

    Args:
        low: smallest value.
        high: largest value.
        above: True if `low` itself is excluded.
        below: True if `high` itself is excluded.
        words: the only valid words; empty if any text is valid.
        unlimited: True if infinity is valid too: it stands for "no limit".
        catalogue: what a name must denote ("optimizer"); checked against that catalogue.

    >>> Limits(low=0, above=True).describe()
    'greater than 0'
    """

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False
    words: tuple[str, ...] = ()
    catalogue: str = ""
    unlimited: bool = False

    def describe(self, given: object = None) -> str:
        """Return the valid values in words, for a message about a value that is not.

        Args:
            given: the value that was refused; a huge upper limit is named only if the value exceeds it.

        >>> Limits(low=1, high=2**31).describe(0), Limits(low=1, high=2**31).describe(10**12)
        ('at least 1', 'at least 1 and at most 2,147,483,648')
        """
        if self.words:
            return "one of " + ", ".join(map(repr, self.words))
        parts = []
        if self.low > -math.inf:
            parts.append(f"greater than {self.low:,g}" if self.above else f"at least {self.low:,g}")
        if self.high < _HUGE or (self.high < math.inf and _exceeds(given, self.high)):
            parts.append(f"less than {self.high:,g}" if self.below else f"at most {self.high:,.0f}")
        return " and ".join(parts)

    def allow(self, value: Value) -> bool:
        """Tell whether a value is within the limits."""
        if self.words:
            return value in self.words
        if isinstance(value, tuple):
            return all(self.allow(item) for item in value)
        if isinstance(value, (bool, str)):
            return True
        low_kept = value > self.low if self.above else value >= self.low
        high_kept = value < self.high if self.below else value <= self.high
        number = isinstance(value, int) or math.isfinite(value) or (self.unlimited and value == math.inf)
        return number and low_kept and high_kept


def _exceeds(given: object, high: float) -> bool:
    if isinstance(given, (tuple, list)):
        return any(_exceeds(item, high) for item in given)
    return isinstance(given, (int, float)) and given > high


FRACTION = Limits(low=0, high=1, below=True)
SHARE = Limits(low=0, high=1, above=True)
POSITIVE = Limits(low=0, above=True)
NOT_NEGATIVE = Limits(low=0)
COUNT = Limits(low=0, high=_HUGE)
AT_LEAST_ONE = Limits(low=1, high=_HUGE)


@dataclass(frozen=True)
class Note:
    """The longer explanation of a setting, shown by `trainwell about`.

    Args:
        formula: what it computes. w: weight, g: gradient, r: learning rate.
        use: when to use it, and usual values.
        cost: what it costs, or what goes wrong.
        lab: experiments of `trainwell lab` that show it.
        source: the paper.
    """

    formula: str = ""
    use: str = ""
    cost: str = ""
    lab: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class OnlyWith:
    """A dependency: the setting has an effect only if another setting has a certain value.

    With neither `names` nor `off`, the other setting chooses a name from a catalogue, and that name says itself which
    settings it uses.

    Args:
        key: the other setting.
        names: its values with which this setting has an effect.
        off: its only value with which this setting has no effect.
    """

    key: str
    names: tuple[str, ...] = ()
    off: Value | None = None

    @property
    def by_choice(self) -> bool:
        """Whether the chosen name says itself that it uses the setting."""
        return not self.names and self.off is None


@dataclass(frozen=True)
class Declaration:
    """Everything said about a setting where it is declared, its default aside.

    Args:
        meaning: one line.
        limits: valid values.
        unit: of a number ("epochs", "seconds"); empty if it has none.
        note: the longer explanation.
        only_with: the setting it depends on.
        population: whether networks that train together may differ in it.
    """

    meaning: str
    limits: Limits = Limits()
    unit: str = ""
    note: Note = Note()
    only_with: OnlyWith | None = None
    population: Role = "alone"


DECLARED = "declared"  # key of the declaration in the metadata of a dataclass field


def setting(
    default: Value,
    meaning: str,
    *,
    limits: Limits | None = None,
    unit: str = "",
    note: Note | None = None,
    only_with: OnlyWith | None = None,
    population: Role = "alone",
) -> Any:
    """Declare one setting as a field of a section's dataclass.

    Args:
        default: value if neither the user nor a preset sets it.
        meaning: one line.
        limits: valid values; any of the field's type if absent.
        unit: of a number; empty if it has none.
        note: the longer explanation.
        only_with: the setting it depends on.
        population: whether networks that train together may differ in it.
    """
    declared = Declaration(meaning, limits or Limits(), unit, note or Note(), only_with, population)
    return field(default=default, metadata={DECLARED: declared})
