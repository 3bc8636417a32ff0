"""New inputs without targets, read like the training data."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trainwell.core.errors import DataError, RecipeError
from trainwell.core.files import plain
from trainwell.data.kinds.image import ImagePreparation
from trainwell.data.kinds.table import TablePreparation
from trainwell.data.kinds.text import TextPreparation
from trainwell.data.prepare import Preparation
from trainwell.data.sources.arrays import read_npz_inputs
from trainwell.data.sources.bundled import BUNDLED, with_target
from trainwell.data.sources.folder import TEXT, TEXT_SUFFIXES, files_below, read_texts
from trainwell.data.sources.idx import read_idx_images
from trainwell.data.sources.images import SUFFIXES, decode, read_headers
from trainwell.data.sources.table import read_rows, text_column
from trainwell.data.statistics.column import Column
from trainwell.data.text.texts import Texts
from trainwell.data.values.missing import Array
from trainwell.data.values.naming import numbered
from trainwell.data.values.table import Table
from trainwell.recipe.sections import DataRecipe


def read_inputs(
    source: str, preparation: Preparation, *, recipe: DataRecipe
) -> tuple[Table | Array | Texts, Sequence[str]]:
    """Read inputs to predict on.

    Args:
        source: a bundled data set; a table with the training columns (others are ignored); an image or a text,
            or a folder of them at any depth; an idx file of images; an .npz with X.
        preparation: the preparation of the network's inputs.
        recipe: `interpolation`, `centre_crop`, `max_pixels` and `delimiter` are read.
    Returns:
        raw inputs as `Preparation.inputs` takes them, and a name for each.
    Raises:
        RecipeError: if no source is given.
        DataError: if there is nothing to read, or the inputs are of another kind.
        UsageError: if such a network does not predict a value for each input.
    """
    preparation.kind.check_predicts()
    if source in BUNDLED:
        examples = BUNDLED[source]()
        is_table = isinstance(examples.inputs, Table)
        return with_target(examples) if is_table else examples.inputs, examples.ids
    path = Path(source).expanduser()
    name = plain(source)
    if not source:
        raise RecipeError(["The inputs to predict are missing. Give a file, a folder or a bundled data set."])
    if not path.exists():
        raise DataError(f"There is no file or folder {name} to predict. Check the path.")
    try:
        if isinstance(preparation.fitted, TextPreparation):
            return _sequences(path, recipe)
        columns = preparation.fitted.columns if isinstance(preparation.fitted, TablePreparation) else ()
        is_text = path.is_dir() or path.suffix.lower() in TEXT_SUFFIXES
        if is_text and TEXT in (column.name for column in columns):
            return _texts(path)
        if path.is_dir() or path.suffix.lower() in SUFFIXES:
            return _images(path, preparation, recipe=recipe)
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError(f"{name} must be a regular file. Give a table, an image, a folder, idx or .npz.")
        with open(path, "rb") as file:
            start = file.read(2)
        if start == b"PK":
            inputs = preparation.kind.given(read_npz_inputs(path))
            return inputs, numbered("row", len(inputs))
        if start in (b"\x1f\x8b", b"\0\0"):
            images = read_idx_images(path)
            return images, numbered("image", len(images))
        if not isinstance(preparation.fitted, TablePreparation):
            raise DataError(
                f"{name} is read as a table, but the network was trained on {preparation.kind.description}."
            )
        known = {column.name: isinstance(column, Column) and column.numeric for column in columns}
        rows = read_rows(path, recipe.delimiter, known=known)
    except OSError as problem:
        raise DataError(f"{name} cannot be read: {problem.strerror}. Check its permissions.") from None
    rows.require(known)
    return rows.table, rows.ids


def _sequences(path: Path, recipe: DataRecipe) -> tuple[Texts, Sequence[str]]:
    """Read texts as sequences: the column `data.text` of a table, or text files."""
    if path.is_dir() or path.suffix.lower() in TEXT_SUFFIXES:
        table, ids = _texts(path)
        return Texts.of(table.columns[TEXT].tolist()), ids
    rows = read_rows(path, recipe.delimiter, known={recipe.text: False} if recipe.text else None)
    return text_column(rows, recipe), rows.ids


def _texts(path: Path) -> tuple[Table, Sequence[str]]:
    files = files_below(path, TEXT_SUFFIXES)[0] if path.is_dir() else [path]
    if not files:
        raise DataError(f"The folder {plain(path.name)} contains no texts (.txt) to predict.")
    root = path if path.is_dir() else path.parent
    return read_texts(files, root), tuple(plain(file.relative_to(root).as_posix()) for file in files)


def _images(path: Path, preparation: Preparation, *, recipe: DataRecipe) -> tuple[Array, Sequence[str]]:
    fitted = preparation.fitted
    if not isinstance(fitted, ImagePreparation):
        raise DataError(
            f"{plain(path.name)} contains images, but the network was trained on {preparation.kind.description}."
        )
    files = files_below(path, SUFFIXES)[0] if path.is_dir() else [path]
    if not files:
        raise DataError(f"The folder {plain(path.name)} contains no images to predict.")
    read_headers(files, max_pixels=recipe.max_pixels)
    channels, height, width = fitted.raw_shape
    blocks = list(decode(files, (height, width, channels), interpolation=recipe.interpolation, crop=recipe.centre_crop))
    root = path if path.is_dir() else path.parent
    return np.concatenate(blocks), tuple(plain(file.relative_to(root).as_posix()) for file in files)
