"""Check what a user wrote and convert it to settings; all mistakes are reported at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from trainwell.core.catalogue import nearest, unknown_name
from trainwell.core.errors import RecipeError
from trainwell.recipe.choice import Choices
from trainwell.recipe.schema import RELATIONS, SETTINGS, Recipe, Setting, flatten
from trainwell.recipe.sections.setting import Value, Values

Catalogues = Mapping[str, Iterable[str]]

_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text in quotes",
    "tuple[int, ...]": "a list of whole numbers",
    "tuple[str, ...]": "a list of strings",
}


def check_values(
    values: Mapping[str, object], *, catalogues: Catalogues | None = None, places: Mapping[str, str] | None = None
) -> dict[str, Value]:
    """Return the settings in their proper types, or raise one error that names every mistake.

    Args:
        values: dotted key to what the user gave.
        catalogues: valid names by kind ("optimizer": [...]); a kind that is absent is not checked.
        places: dotted key to where it was written ("recipe.toml, line 4"), for the messages.
    Raises:
        RecipeError: with one sentence for each unknown key, wrong type, impossible value and unknown name.

    >>> check_values({"train.epochs": 3, "optim.learning_rate": 1})
    {'train.epochs': 3, 'optim.learning_rate': 1.0}
    >>> check_values({"optim.lr": 0.1})
    Traceback (most recent call last):
    trainwell.core.errors.RecipeError: Unknown setting 'optim.lr'. Did you mean 'optim.learning_rate'?
    """
    checked: dict[str, Value] = {}
    mistakes = []
    for key, given in values.items():
        place = f"{places[key]}: " if places and key in places else ""
        try:
            checked[key] = _check_one(key, given, catalogues=catalogues or {})
        except ValueError as problem:
            mistakes.append(f"{place}{problem}")
    if mistakes:
        raise RecipeError(mistakes)
    return checked


def check_combinations(recipe: Recipe, choices: Choices) -> None:
    """Raise one error that names every setting that makes no sense beside the others.

    Args:
        recipe: all settings.
        choices: what is known of the names that settings choose ("optim.name"), each with what it refuses.
    Raises:
        RecipeError: with one sentence for each mistake.

    >>> from trainwell.recipe import edit
    >>> check_combinations(edit(Recipe(), {"train.micro_batch": 128}), {})
    Traceback (most recent call last):
    trainwell.core.errors.RecipeError: train.micro_batch must be at most train.batch_size = 64, got 128. \
Make it smaller.
    """
    values: Values = dict(flatten(recipe))
    chosen = [choices[key].get(values[key]) for key in choices]
    relations = [*(choice.relation for choice in chosen if choice), *RELATIONS]
    if mistakes := [mistake for relation in relations for mistake in relation(values)]:
        raise RecipeError(mistakes)


def parse_assignment(text: str) -> tuple[str, object]:
    """Read `key=value` as given to `--set`: the value is TOML, or plain text where that fails.

    >>> parse_assignment("optim.learning_rate=0.01"), parse_assignment("optim.name=sgd")
    (('optim.learning_rate', 0.01), ('optim.name', 'sgd'))
    """
    import tomllib

    key, equals, value = text.partition("=")
    if not equals:
        raise RecipeError([f"--set needs key=value, got {text!r}. Example: --set optim.learning_rate=0.01"])
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def _check_one(key: str, given: object, *, catalogues: Catalogues) -> Value:
    entry = SETTINGS.get(key)
    if entry is None:
        raise ValueError(_unknown_key(key))
    value = _convert(entry, given)
    names = catalogues.get(entry.limits.catalogue)
    is_backbone = entry.limits.catalogue == "model" and str(value).startswith("timm:")  # of a library's own catalogue
    if names is not None and not is_backbone and value not in (names := list(names)):
        message = unknown_name(entry.limits.catalogue, str(value), names=names, listing="trainwell about")
        raise ValueError(f"{key}: {message}")
    if not entry.limits.allow(value):
        raise ValueError(f"{key} must be {entry.limits.describe(given)}, got {given!r}.{_guess(entry, given)}")
    return value


def _convert(entry: Setting, given: Any) -> Value:
    is_whole = isinstance(given, int) and not isinstance(given, bool)
    if entry.type == "float" and (is_whole or isinstance(given, float)):
        return _float(given)
    if entry.type == "int" and (is_whole or (isinstance(given, float) and given.is_integer())):
        return int(given)
    if entry.type == "bool" and isinstance(given, bool):
        return given
    if entry.type == "str" and isinstance(given, str):
        return given
    if entry.type.startswith("tuple"):
        items = given if isinstance(given, (list, tuple)) else [given]
        wanted = int if "int" in entry.type else str
        if all(isinstance(item, wanted) and not isinstance(item, bool) for item in items):
            return tuple(items)
    raise ValueError(f"{entry.key} must be {_EXPECTED[entry.type]}, got {given!r}.")


def _float(number: int | float) -> float:
    try:
        return float(number)
    except OverflowError:  # a whole number with more than 308 digits
        return math.inf


def _guess(entry: Setting, given: object) -> str:
    guess = nearest(given, entry.limits.words) if isinstance(given, str) else None
    return f" Did you mean {guess!r}?" if guess else ""


def _unknown_key(key: str) -> str:
    section, _, last = key.rpartition(".")
    inside = [known for known in SETTINGS if section and known.startswith(section + ".")]
    names = {known.rpartition(".")[2]: known for known in inside or SETTINGS}
    names.setdefault("lr", "optim.learning_rate")
    guess = names.get(nearest(last, names) or "")
    if guess:
        return f"Unknown setting {key!r}. Did you mean {guess!r}?"
    if inside:
        return f"Unknown setting {key!r}. Settings of [{section}]: {', '.join(inside)}."
    return f"Unknown setting {key!r}. Run 'trainwell recipe digits' to see every setting."
