"""Recipes as TOML: in and out without loss, with a line number for every mistake."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from trainwell.core.errors import RecipeError, StorageError
from trainwell.recipe.check import Catalogues, check_values
from trainwell.recipe.schema import SETTINGS, Recipe, flatten, unflatten
from trainwell.recipe.sections.setting import Value

_TABLE = re.compile(r"^\s*\[\s*([\w.\-]+)\s*\]")
_KEY = re.compile(r"^\s*([\w.\-]+)\s*=")
_MAX_BYTES = 1_000_000


def read_settings(path: Path, *, catalogues: Catalogues | None = None) -> dict[str, Value]:
    """Read the settings a recipe file gives, as dotted keys; those it does not give are absent.

    Raises:
        RecipeError: every mistake of the file, each with its line.
        StorageError: if the file cannot be read.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise RecipeError([f"{path} must be a recipe of at most {_MAX_BYTES} bytes, got {path.stat().st_size}."])
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise RecipeError([f"{path} must be UTF-8 text, got a byte that is not at position {problem.start}."]) from None
    except OSError as problem:
        raise StorageError(f"The recipe {path} cannot be read: {problem.strerror}.") from None
    return parse_settings(text, name=str(path), catalogues=catalogues)


def parse_settings(text: str, *, name: str = "recipe", catalogues: Catalogues | None = None) -> dict[str, Value]:
    """Read the settings of a recipe's text, as dotted keys.

    >>> parse_settings("seed = 1\\n[train]\\nepochs = 3")
    {'seed': 1, 'train.epochs': 3}
    >>> parse_settings("[train]\\nepochs = 0")
    Traceback (most recent call last):
    trainwell.core.errors.RecipeError: recipe, line 2: train.epochs must be at least 1, got 0.
    """
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise RecipeError([f"{name} is not valid TOML: {problem}."]) from None
    places = {key: f"{name}, line {line}" for key, line in _lines(text)}
    return check_values(dict(dotted(tree)), catalogues=catalogues, places=places)


def load_recipe(path: Path) -> Recipe:
    """Read a complete recipe; settings the file does not give keep the schema's defaults."""
    return unflatten(read_settings(path))


def to_toml(recipe: Recipe, *, reasons: Mapping[str, str] | None = None, comments: bool = False) -> str:
    """Write a recipe as TOML that reads back to an equal recipe.

    Args:
        recipe: what to write.
        reasons: dotted key to why this value was chosen, shown behind the value.
        comments: True to explain every setting.

    >>> unflatten(parse_settings(to_toml(Recipe(seed=5)))) == Recipe(seed=5)
    True
    """
    lines: list[str] = []
    section = ""
    for key, value in flatten(recipe):
        table, _, name = key.rpartition(".")
        if table != section:
            section = table
            lines += ["", f"[{table}]"]
        line = f"{name} = {_literal(value)}"
        if comments:
            entry = SETTINGS[key]
            allowed = entry.limits.describe()
            why = (reasons or {}).get(key)
            remark = entry.meaning + (f" ({allowed})" if entry.limits.words else "") + (f"; {why}" if why else "")
            line = f"{line:<34} # {remark}"
        lines.append(line)
    return "\n".join(lines).lstrip("\n") + "\n"


def _literal(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + "".join(_escape(character) for character in value) + '"'
    if isinstance(value, tuple):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    return repr(value)


def _escape(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    code = ord(character)
    return f"\\u{code:04X}" if code < 32 or code == 127 else character


def dotted(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield the leaves of nested tables with their dotted keys.

    >>> dict(dotted({"seed": 1, "optim": {"name": "sgd"}}))
    {'seed': 1, 'optim.name': 'sgd'}
    """
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from dotted(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _lines(text: str) -> Iterator[tuple[str, int]]:
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if table := _TABLE.match(line):
            section = table.group(1) + "."
        elif key := _KEY.match(line):
            yield section + key.group(1), number
