"""What a search may choose: ranges and choices of settings, written as text, checked against the recipe's schema."""

from __future__ import annotations

import graphlib
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainwell.core.errors import RecipeError, StorageError
from trainwell.fitting import CATALOGUES
from trainwell.recipe import check_values
from trainwell.recipe.schema import SETTINGS
from trainwell.recipe.sections.setting import Value

# Settings that decide which examples are seen, or where and how something is computed: the same for every trial.
FIXED = tuple(
    key
    for key in SETTINGS
    if (key.startswith("data.") and key not in ("data.prepare", "data.shift", "data.flip"))
    or key in ("task.name", "train.device", "train.threads", "train.checkpoint_seconds", "train.patience")
    or key.startswith("watch.")
)
Point = dict[str, Value]


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, evenly or by their logarithm.

    Args:
        low: smallest.
        high: largest.
        log: True to spread evenly over orders of magnitude.
        whole: True for whole numbers.

    >>> Range(1e-4, 1, log=True).at(0.5)
    0.01
    >>> [Range(1, 3, whole=True).at(u) for u in (0.0, 0.5, 1.0)]
    [1, 2, 3]
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def at(self, share: float) -> Value:
        """Return the value at a share of the way from low to high, in [0, 1]."""
        if self.log:
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
            value = float(f"{value:.12g}")  # exp(log(x)) misses x by a rounding
        else:
            value = self.low + share * (self.high - self.low)
        if not self.whole:
            return min(max(value, self.low), self.high)
        if not self.log:  # every whole number gets an equal part of the way
            value = math.floor(self.low + share * (self.high - self.low + 1))
        return int(min(max(round(value), self.low), self.high))

    def share(self, value: Value) -> float:
        """Return where a value lies, in [0, 1]: the inverse of `at` up to rounding."""
        number = float(value[0] if isinstance(value, tuple) else value)
        if self.high == self.low:
            return 0.5
        if self.log:
            return math.log(number / self.low) / math.log(self.high / self.low)
        if self.whole:
            return (number - self.low + 0.5) / (self.high - self.low + 1)
        return (number - self.low) / (self.high - self.low)

    def grid(self, points: int) -> list[Value]:
        """Return so many values (fewer whole numbers if there are fewer), ends included."""
        values = [self.at(number / (points - 1)) if points > 1 else self.at(0.5) for number in range(points)]
        return list(dict.fromkeys(values))

    def describe(self) -> str:
        """Write the range as it is written in a space."""
        return f"{'log:' if self.log else ''}{_exact(self.low)}..{_exact(self.high)}"


@dataclass(frozen=True)
class Choice:
    """One of some values; `weights` are their probabilities, equal if empty.

    >>> Choice(("sgd", "adamw")).at(0.7)
    'adamw'
    """

    values: tuple[Value, ...]
    weights: tuple[float, ...] = ()

    def at(self, share: float) -> Value:
        """Return the value at a share of the way, each as wide as it is probable."""
        reached = 0.0
        for value, width in zip(self.values, self._widths(), strict=True):
            reached += width
            if share < reached:
                return value
        return self.values[-1]

    def share(self, value: Value) -> float:
        """Return the middle of a value's part of the way."""
        number, widths = self.values.index(value), self._widths()
        return sum(widths[:number]) + widths[number] / 2

    def grid(self, points: int) -> list[Value]:
        """Return all values, however many points were asked for."""
        return list(self.values)

    def describe(self) -> str:
        """Write the choice as it is written in a space."""
        if self.weights:
            return f"bernoulli:{_exact(self.weights[-1])}"
        return ",".join(str(list(value) if isinstance(value, tuple) else value) for value in self.values)

    def _widths(self) -> tuple[float, ...]:
        return self.weights or (1 / len(self.values),) * len(self.values)


def _exact(number: float) -> str:
    """Write a number so that it is read back the same, shortly where that can be."""
    short = f"{number:g}"
    return short if float(short) == number else str(int(number)) if float(number).is_integer() else repr(float(number))


@dataclass(frozen=True)
class Space:
    """The settings a search varies.

    Args:
        settings: dotted key to its range or choice.
        when: dotted key to the values other settings must have for it to matter,
            {"optim.momentum": {"optim.name": "sgd"}}.

    >>> Space({"optim.learning_rate": Range(1e-4, 1, log=True)}).at([0.25])
    {'optim.learning_rate': 0.001}
    """

    settings: Mapping[str, Range | Choice]
    when: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.settings)

    def at(self, shares: Sequence[float]) -> Point:
        """Return the settings at a point of the unit cube, a share for each; what does not matter is left out."""
        values = {key: kind.at(share) for (key, kind), share in zip(self.settings.items(), shares, strict=True)}
        return self.active(values)

    def active(self, values: Mapping[str, Value]) -> Point:
        """Return the settings that matter where the others are as they are."""
        return {key: values[key] for key in values if self.matters(key, values)}

    def matters(self, key: str, values: Mapping[str, Value]) -> bool:
        """Tell whether a setting matters: every condition on it holds, and what it depends on matters too."""
        return all(
            values.get(other) == wanted and self.matters(other, values)
            for other, wanted in self.when.get(key, {}).items()
        )

    def shares(self, point: Mapping[str, Value]) -> list[float]:
        """Return where a point lies in the unit cube; the middle for what does not matter there."""
        return [kind.share(point[key]) if key in point else 0.5 for key, kind in self.settings.items()]

    def to_json(self) -> dict[str, Any]:
        """Return the space as it can be written in a file."""
        return {
            key: {"vary": kind.describe(), "when": dict(self.when.get(key, {}))} for key, kind in self.settings.items()
        }


def read_space(path: Path | None = None, vary: Sequence[str] = ()) -> Space:
    """Read a space from a file, from `key=range` texts, or from both; the texts win.

    Args:
        path: a TOML file: `learning_rate = "log:1e-4..1"` in the table `[optim]`, choices as lists, and
            `momentum = {vary = "0.5..0.99", when = {"optim.name" = "sgd"}}` for what matters only sometimes.
        vary: texts such as "nn.dropout=0..0.7", "optim.name=sgd,adamw", "data.flip=bernoulli:0.5".
    Raises:
        RecipeError: with every mistake of both.
        StorageError: if the file cannot be read.

    >>> read_space(vary=["nn.dropout=0..0.7", "optim.name=sgd,adamw"]).at([0.5, 0.1])
    {'nn.dropout': 0.35, 'optim.name': 'sgd'}
    >>> read_space(vary=["optim.learnin_rate=log:0..1"])
    Traceback (most recent call last):
    trainwell.core.errors.RecipeError: Unknown setting 'optim.learnin_rate'. Did you mean 'optim.learning_rate'?
    """
    entries: dict[str, Any] = dict(_leaves(_read(path))) if path else {}
    mistakes = []
    for text in vary:
        key, equals, spec = text.partition("=")
        if not equals:
            mistakes.append(f"--vary needs key=range, got {text!r}. Example: --vary optim.learning_rate=log:1e-4..1")
            continue
        entries[key.strip()] = spec.strip()
    return make_space(entries, mistakes=mistakes)


def make_space(entries: Mapping[str, Any], *, mistakes: Sequence[str] = ()) -> Space:
    """Build a space from what was written for each setting, and report all mistakes together.

    Args:
        entries: dotted key to a text ("log:1e-4..1"), a list of values, a `Range` or `Choice`, or a mapping with
            "vary" and "when".
        mistakes: sentences about what could not even be read.
    Raises:
        RecipeError: with one sentence for each mistake.
    """
    found: dict[str, Range | Choice] = {}
    when: dict[str, Mapping[str, Value]] = {}
    problems = list(mistakes)
    for key, entry in entries.items():
        condition = entry.get("when", {}) if isinstance(entry, Mapping) else {}
        spec = entry.get("vary", "") if isinstance(entry, Mapping) else entry
        try:
            check_values({other: 0 for other in [key] if other not in SETTINGS})  # an unknown key, nearest named
            found[key] = _kind(key, spec)
            if condition:
                when[key] = check_values(dict(_leaves(condition)), catalogues=CATALOGUES)
        except RecipeError as problem:
            problems += problem.mistakes
        except ValueError as problem:
            problems.append(str(problem))
    for key, other, wanted in ((key, *pair) for key, conditions in when.items() for pair in conditions.items()):
        kind = found.get(other)
        whole = range(int(kind.low), int(kind.high) + 1) if isinstance(kind, Range) and kind.whole else ()
        if other not in entries:
            problems.append(f"{key} can depend only on settings that are varied, got {other!r}. Add it to the space.")
        elif kind and wanted not in (kind.values if isinstance(kind, Choice) else whole):
            problems.append(f"{key} must wait for a value that {other} can take, got {wanted!r}. Add it to {other}.")
    try:
        graphlib.TopologicalSorter(when).prepare()
    except graphlib.CycleError as problem:
        circle = " on ".join(problem.args[1])
        problems.append(f"Conditions must not run in a circle, got {circle}. Leave one of them out.")
    if not entries and not problems:
        problems = ["A search needs something to vary. Example: --vary optim.learning_rate=log:1e-4..1"]
    if problems:
        raise RecipeError(problems)
    return Space(found, when)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as problem:
        raise StorageError(f"The space {path} cannot be read: {problem.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise RecipeError([f"{path} is not valid TOML: {problem}."]) from None


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping) and "vary" not in value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _kind(key: str, spec: Any) -> Range | Choice:
    if key in FIXED:
        raise ValueError(f"{key} must be the same for all trials of a search. Give it with --set.")
    if isinstance(spec, (Range, Choice)):
        return _checked(key, spec)
    if isinstance(spec, str) and ".." in spec:
        return _checked(key, _range(key, spec))
    if isinstance(spec, str) and spec.startswith("bernoulli:"):
        return _checked(key, _bernoulli(key, spec))
    return _checked(key, Choice(tuple(_values(spec))))


def _range(key: str, spec: str) -> Range:
    log = spec.startswith("log:")
    low_text, _, high_text = spec.removeprefix("log:").partition("..")
    try:
        low, high = float(low_text), float(high_text)
    except ValueError:
        raise ValueError(f"{key} must have a range of two numbers such as 0..0.7, got {spec!r}.") from None
    return Range(low, high, log, "int" in SETTINGS[key].type)


def _bernoulli(key: str, spec: str) -> Choice:
    try:
        probability = float(spec.removeprefix("bernoulli:"))
    except ValueError:
        probability = math.nan
    if not 0 < probability < 1:
        raise ValueError(f"{key} must have a probability between 0 and 1, got {spec!r}. Example: bernoulli:0.5")
    return Choice((False, True), (1 - probability, probability))


def _values(spec: Any) -> list[Any]:
    if isinstance(spec, (list, tuple)):
        return list(spec)
    if not isinstance(spec, str):
        return [spec]
    try:
        return list(tomllib.loads(f"values = [{spec}]")["values"])
    except tomllib.TOMLDecodeError:
        return [word.strip() for word in spec.split(",") if word.strip()]


def _checked(key: str, kind: Range | Choice) -> Range | Choice:
    """Check every value that could be drawn against the schema."""
    if isinstance(kind, Choice):
        if not kind.values:
            raise ValueError(f"{key} must have at least one value to choose from, got none.")
        mistakes: list[str] = []
        values: list[Value] = []
        for value in kind.values:
            try:
                values.append(check_values({key: value}, catalogues=CATALOGUES)[key])
            except RecipeError as problem:
                mistakes += problem.mistakes
        if mistakes:
            raise RecipeError(mistakes)
        return Choice(tuple(dict.fromkeys(values)), kind.weights)
    if SETTINGS[key].type not in ("int", "float"):
        example = {"bool": "true,false", "str": "a,b,c"}.get(SETTINGS[key].type, "[64],[128, 64]")
        raise ValueError(f"{key} takes no range of numbers, got {kind.describe()}. List its values: {key}={example}")
    if kind.log and kind.low <= 0:
        raise ValueError(
            f"{key} must have a range above 0 to be spread by its logarithm, got {kind.describe()}. "
            "Raise its lower end, or leave out log:."
        )
    if not kind.low < kind.high:
        raise ValueError(f"{key} must have a range with low < high, got {kind.describe()}.")
    for end in (kind.low, kind.high):
        check_values({key: end}, catalogues=CATALOGUES)
    return kind
