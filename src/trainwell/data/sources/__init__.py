"""Readers, one file for each kind of source, and `read`, which detects the kind of a source."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from trainwell.core.catalogue import nearest
from trainwell.core.errors import DataError, RecipeError
from trainwell.core.files import plain
from trainwell.core.targets import TOKENS
from trainwell.data.examples import Examples
from trainwell.data.sources.arrays import from_arrays as from_arrays
from trainwell.data.sources.arrays import read_npz
from trainwell.data.sources.bundled import BUNDLED as BUNDLED
from trainwell.data.sources.bundled import with_target
from trainwell.data.sources.folder import read_folder
from trainwell.data.sources.idx import is_idx_folder, read_idx
from trainwell.data.sources.plain_text import is_text, read_stream, text_defaults
from trainwell.data.sources.table import Rows, choose, read_table
from trainwell.data.values.table import Table
from trainwell.recipe.choice import Preset
from trainwell.recipe.sections import DataRecipe

# Files that cannot be opened without executing code, or that have no targets.
_REFUSED = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".h5", ".hdf5", ".npy", ".zip", ".tar", ".xlsx", ".xls")
_POSSIBLE = (
    "a table (.csv, .tsv, .parquet), a folder of images or texts (one sub-folder for each class), a text (.txt), idx "
    "files or an .npz file"
)


def read(recipe: DataRecipe, *, target_type: str = "") -> Examples:
    """Read the examples of a recipe: a bundled data set, or a path, whose type is detected from its content.

    Args:
        recipe: `source` and the settings of its reader.
        target_type: "classes", "numbers" or "label sets" if the inferred type is not the one you want.
    Raises:
        RecipeError: if none is named, or columns are chosen where there are none.
        DataError: if there is no such data set, or it cannot be used.
        MissingExtraError: if an optional package is needed.

    >>> len(read(DataRecipe(source="iris")))
    150
    """
    if not recipe.source:
        raise RecipeError(
            [f"data.source must be a data set, got ''. Give a bundled data set ({', '.join(BUNDLED)}) or a path."]
        )
    found = _read(recipe, target_type)
    if recipe.image_size and not Path(recipe.source).expanduser().is_dir():
        said = f"data.image_size = {recipe.image_size} is ignored: only the images of a folder are resized."
        return dataclasses.replace(found, remarks=(*found.remarks, said))
    return found


def usual_settings(recipe: DataRecipe, *, target_type: str = "") -> Preset:
    """Return settings of [data] that suit a source before it is read, with a reason each; for most there are none.

    Args:
        recipe: names the source.
        target_type: as for `read`.
    Raises:
        DataError: if the source must be opened for that, and cannot be.
    """
    path = Path(recipe.source).expanduser()
    try:
        if recipe.source in BUNDLED or not path.is_file() or not path.stat().st_size:
            return {}
        return text_defaults(path, recipe) if target_type == TOKENS or is_text(path, recipe) else {}
    except OSError:
        return {}  # `read` says what is wrong


def _read(recipe: DataRecipe, target_type: str) -> Examples:
    if recipe.source in BUNDLED:
        bundled = BUNDLED[recipe.source]()
        if isinstance(bundled.inputs, Table) and (recipe.target or recipe.drop or recipe.group):
            return choose(Rows(bundled.name, with_target(bundled), bundled.ids), recipe, target_type=target_type)
        return _without_columns(bundled, recipe)
    path = Path(recipe.source).expanduser()
    name = plain(path.name)
    try:
        if path.is_dir():
            return _without_columns(read_idx(path) if is_idx_folder(path) else read_folder(path, recipe), recipe)
        if not path.exists():
            raise DataError(_unknown(recipe.source, path))
        if path.is_file() and (target_type == TOKENS or is_text(path, recipe)):
            return _without_columns(read_stream(path, recipe), recipe)
        if not path.is_file() or path.suffix.lower() in _REFUSED:
            raise DataError(f"{name} cannot be read safely as data. Give {_POSSIBLE}.")
        with open(path, "rb") as file:
            start = file.read(4)
        if not start:
            raise DataError(f"{name} is empty. Give {_POSSIBLE}.")
        if start[:2] == b"PK":
            return _without_columns(read_npz(path, target_type), recipe)
        if start[:2] in (b"\x1f\x8b", b"\0\0"):
            return _without_columns(read_idx(path), recipe)
        return read_table(path, recipe, target_type=target_type)
    except OSError as problem:
        raise DataError(
            f"{plain(recipe.source)} cannot be read: {problem.strerror}. Check the path and its permissions."
        ) from None


def _without_columns(examples: Examples, recipe: DataRecipe) -> Examples:
    """Return examples that are not a table; raise for settings that apply to tables only."""
    chosen = {"target": recipe.target, "drop": recipe.drop, "group": recipe.group}
    mistakes = [
        f"data.{key} does not apply to {examples.name}, got {value!r}: only tables have columns. Omit the setting."
        for key, value in chosen.items()
        if value
    ]
    if mistakes:
        raise RecipeError(mistakes)
    return examples


def _unknown(source: str, path: Path) -> str:
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    guess = nearest(source, BUNDLED) or (nearest(path.name, beside) if beside else None)
    hint = f" did you mean {plain(guess)!r}?" if guess else ""
    return (
        f"Unknown data set {plain(source)!r}:{hint} Give a bundled data set ({', '.join(BUNDLED)}), "
        f"or the path of {_POSSIBLE}."
    )
