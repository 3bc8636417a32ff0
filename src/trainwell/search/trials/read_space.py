"""Reading a search space from TOML and from `key=range` texts, checked against the recipe's schema."""

from __future__ import annotations

import graphlib
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainwell.core.errors import RecipeError, StorageError
from trainwell.fitting import CATALOGUES
from trainwell.recipe import check_values
from trainwell.recipe.schema import SETTINGS
from trainwell.recipe.sections.setting import Value
from trainwell.search.trials.space import Categorical, Range, Space

# Settings that decide which examples are used, or where and how something is computed: equal for all trials.
FIXED = tuple(
    key
    for key in SETTINGS
    if (key.startswith("data.") and key not in ("data.prepare", "data.shift", "data.flip"))
    or key in ("task.name", "train.device", "train.threads", "train.checkpoint_seconds", "train.patience")
    or key.startswith("watch.")
)


def read_space(path: Path | None = None, vary: Sequence[str] = ()) -> Space:
    """Read a search space from a file, from `key=range` texts, or from both; a text overrides the file.

    Args:
        path: a TOML file. `learning_rate = "log:1e-4..1"` in the table `[optim]`, choices as lists, and
            `momentum = {vary = "0.5..0.99", when = {"optim.name" = "sgd"}}` for a conditional setting.
        vary: texts such as "nn.dropout=0..0.7", "optim.name=sgd,adamw", "data.flip=bernoulli:0.5".
    Raises:
        RecipeError: with every mistake in both.
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
    """Build a search space, and report all mistakes in it together.

    Args:
        entries: dotted key to a text ("log:1e-4..1"), a list of values, a `Range` or `Categorical`, or a mapping with
            "vary" and "when".
        mistakes: sentences about entries that could not be read at all.
    Raises:
        RecipeError: with one sentence for each mistake.
    """
    settings: dict[str, Range | Categorical] = {}
    when: dict[str, Mapping[str, Value]] = {}
    problems = list(mistakes)
    for key, entry in entries.items():
        condition = entry.get("when", {}) if isinstance(entry, Mapping) else {}
        spec = entry.get("vary", "") if isinstance(entry, Mapping) else entry
        try:
            check_values({other: 0 for other in [key] if other not in SETTINGS})  # raises for an unknown key
            settings[key] = _setting(key, spec)
            if condition:
                when[key] = check_values(dict(_leaves(condition)), catalogues=CATALOGUES)
        except RecipeError as problem:
            problems += problem.mistakes
        except ValueError as problem:
            problems.append(str(problem))
    problems += _condition_mistakes(entries, settings=settings, when=when)
    if not entries and not problems:
        problems = ["A search needs something to vary. Example: --vary optim.learning_rate=log:1e-4..1"]
    if problems:
        raise RecipeError(problems)
    return Space(settings, when)


def _condition_mistakes(
    entries: Mapping[str, Any], *, settings: Mapping[str, Range | Categorical], when: Mapping[str, Mapping[str, Value]]
) -> Iterator[str]:
    for key, conditions in when.items():
        for other, wanted in conditions.items():
            if other not in entries:
                yield f"{key} can depend only on settings that are varied, got {other!r}. Add it to the space."
            elif other in settings and not _can_take(settings[other], wanted):
                yield f"{key} must wait for a value that {other} can take, got {wanted!r}. Add it to {other}."
    try:
        graphlib.TopologicalSorter(when).prepare()
    except graphlib.CycleError as problem:
        circle = " on ".join(problem.args[1])
        yield f"Conditions must not be circular, got {circle}. Remove one of them."


def _can_take(setting: Range | Categorical, value: Value) -> bool:
    """Return True if a condition can wait for this value: one of a choice, or an integer of a range."""
    if isinstance(setting, Categorical):
        return value in setting.values
    return setting.whole and value in range(int(setting.low), int(setting.high) + 1)


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


def _setting(key: str, spec: Any) -> Range | Categorical:
    if key in FIXED:
        raise ValueError(f"{key} must be the same for all trials of a search. Set it with --set.")
    if isinstance(spec, (Range, Categorical)):
        return _checked(key, spec)
    if isinstance(spec, str) and ".." in spec:
        return _checked(key, _range(key, spec))
    if isinstance(spec, str) and spec.startswith("bernoulli:"):
        return _checked(key, _bernoulli(key, spec))
    return _checked(key, Categorical(tuple(_values(spec))))


def _range(key: str, spec: str) -> Range:
    log = spec.startswith("log:")
    low_text, _, high_text = spec.removeprefix("log:").partition("..")
    try:
        low = float(low_text)
        high = float(high_text)
    except ValueError:
        raise ValueError(f"{key} must have a range of two numbers such as 0..0.7, got {spec!r}.") from None
    return Range(low, high, log=log, whole="int" in SETTINGS[key].type)


def _bernoulli(key: str, spec: str) -> Categorical:
    try:
        probability = float(spec.removeprefix("bernoulli:"))
    except ValueError:
        probability = math.nan
    if not 0 < probability < 1:
        raise ValueError(f"{key} must have a probability between 0 and 1, got {spec!r}. Example: bernoulli:0.5")
    return Categorical((False, True), (1 - probability, probability))


def _values(spec: Any) -> list[Any]:
    if isinstance(spec, (list, tuple)):
        return list(spec)
    if not isinstance(spec, str):
        return [spec]
    try:
        return list(tomllib.loads(f"values = [{spec}]")["values"])
    except tomllib.TOMLDecodeError:
        return [word.strip() for word in spec.split(",") if word.strip()]


def _checked(key: str, setting: Range | Categorical) -> Range | Categorical:
    """Check every value that could be drawn against the schema."""
    if isinstance(setting, Categorical):
        return _checked_choice(key, setting)
    if SETTINGS[key].type not in ("int", "float"):
        example = {"bool": "true,false", "str": "a,b,c"}.get(SETTINGS[key].type, "[64],[128, 64]")
        raise ValueError(f"{key} takes no range of numbers, got {setting.describe()}. List its values: {key}={example}")
    if setting.log and setting.low <= 0:
        raise ValueError(
            f"{key} must have a range above 0 for a logarithmic scale, got {setting.describe()}. "
            "Raise its lower end, or leave out log:."
        )
    if not setting.low < setting.high:
        raise ValueError(f"{key} must have a range with low < high, got {setting.describe()}.")
    for end in (setting.low, setting.high):
        check_values({key: end}, catalogues=CATALOGUES)
    return setting


def _checked_choice(key: str, choice: Categorical) -> Categorical:
    if not choice.values:
        raise ValueError(f"{key} must have at least one value to choose from, got none.")
    mistakes: list[str] = []
    values: list[Value] = []
    for value in choice.values:
        try:
            values.append(check_values({key: value}, catalogues=CATALOGUES)[key])
        except RecipeError as problem:
            mistakes += problem.mistakes
    if mistakes:
        raise RecipeError(mistakes)
    return Categorical(tuple(dict.fromkeys(values)), choice.weights)
