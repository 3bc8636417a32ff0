"""Inputs and targets as the network sees them, with statistics fitted on the training split only.

A `Preparation` is plain numbers: it is stored as JSON with the model and applied to new rows at prediction.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainwell.core.catalogue import nearest
from trainwell.core.errors import DataError, RecipeError, ShapeError
from trainwell.data.examples import Array, Examples, Table, missing, shorten
from trainwell.data.targets import class_name
from trainwell.data.tfidf import Words
from trainwell.data.whitening import MEAN_IMAGE, ROTATED, Rotation, fit_rotation
from trainwell.recipe.sections import DataRecipe

Float32 = NDArray[np.float32]

# A category must be frequent enough to be learned: at least twice, and in at least one training example of a
# thousand; the 100 most frequent ones of a column are kept.
_MOST_CATEGORIES, _RARE = 100, 0.001
# Names of the literature for what is done to pictures channel by channel: VGG takes the mean off, ResNet divides too.
# A rotation starts from standardised inputs (decorrelate) or does not care (whitening); the mean image from plain ones.
_WAYS = {
    "channel_mean": "centre",
    "channel_mean_std": "standardise",
    "mean_image": "none",
    "decorrelate": "standardise",
    "whiten_pca": "standardise",
    "whiten_zca": "standardise",
}
_FOR_PICTURES = ("mean_image", "channel_mean", "channel_mean_std")
_BLOCK = 1 << 22  # pixels counted at once: a block of int64 stays within 32 MiB


@dataclass(frozen=True)
class Column:
    """How one column of a table becomes numbers.

    Args:
        name: name of the column.
        numeric: numbers, or categories.
        centre: median of the training rows; it stands for a missing number.
        mean: subtracted from numbers.
        std: numbers are divided by it; 0 marks a constant, whose input is always 0, whatever new rows hold.
        categories: the categories that get an input of their own, most frequent first; all others give zeros.
        missing: whether it gets a further input that is 1 where the value is missing.
    """

    name: str
    numeric: bool
    centre: float = 0.0
    mean: float = 0.0
    std: float = 1.0
    categories: tuple[str, ...] = ()
    missing: bool = False

    @classmethod
    def fit(cls, name: str, values: Array, way: str) -> Column | None:
        """Fit one column on the training rows, or return None if there is nothing to learn from it."""
        if values.dtype == object:
            return _fit_categories(name, values)
        known = values[~np.isnan(values)]
        if not len(known):
            return None
        centre = float(np.median(known))
        mean, std = affine(np.where(np.isnan(values), centre, values), way)
        incomplete = len(known) < len(values)
        return cls(name, True, centre, mean, std, missing=incomplete) if std or incomplete else None

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the inputs made from this column."""
        main = (self.name,) if self.numeric else tuple(f"{self.name} = {category}" for category in self.categories)
        return (*main, f"{self.name} missing") if self.missing else main

    def fill(self, values: Array, out: Float32) -> None:
        """Write the inputs of (rows,) values into (rows, features)."""
        if self.numeric:
            numbers = self._numbers(values)
            absent = np.isnan(numbers)
            if self.std:
                with np.errstate(over="ignore"):
                    out[:, 0] = (np.where(absent, self.centre, numbers) - self.mean) / self.std
                if not np.isfinite(out[:, 0]).all():
                    raise DataError(f"Column {self.name!r} must hold finite numbers, got infinite ones. Correct it.")
        else:
            number: dict[str | None, int] = {category: i for i, category in enumerate(self.categories)}
            found = np.array([number.get(text, -1) for text in _texts(values)], dtype=np.int64)
            rows = np.flatnonzero(found >= 0)
            out[rows, found[rows]] = 1.0
            absent = missing(values)
        if self.missing:
            out[:, -1] = absent

    def _numbers(self, values: Array) -> NDArray[np.float64]:
        try:
            return values.astype(np.float64)
        except (TypeError, ValueError):
            raise DataError(f"Column {self.name!r} must hold numbers as in training, got text. Correct it.") from None


@dataclass(frozen=True)
class Preparation:
    """What was fitted on the training split; applied to every split and to new examples alike.

    Args:
        kind: "table", "picture" or "array".
        task: what is learned.
        input_shape: shape of one prepared example.
        feature_names: names of the inputs; empty for pictures.
        labels: names of the classes.
        columns: how the columns of a table are prepared.
        mean: mean of each channel (on pixels scaled to [0, 1]) or feature.
        std: deviation of each channel or feature; 0 marks a constant, whose input is always 0.
        target_mean: mean of each regression target.
        target_std: deviation of each regression target.
        remarks: sentences said aloud about what was left out.
        before: shape of an example before the rotation, where it changes the shape.
        rotation: what follows: the mean image taken off, or a rotation; None: nothing.
    """

    kind: str
    task: str
    input_shape: tuple[int, ...]
    feature_names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    columns: tuple[Column | Words, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    target_mean: tuple[float, ...] = ()
    target_std: tuple[float, ...] = ()
    remarks: tuple[str, ...] = ()
    rotation: Rotation | None = None
    before: tuple[int, ...] = ()

    @classmethod
    def fit(cls, examples: Examples, train: Array, recipe: DataRecipe) -> Preparation:
        """Fit on the training examples; no other example is looked at.

        Args:
            examples: all examples.
            train: numbers of the training examples.
            recipe: `prepare` and `components` are read.
        Raises:
            DataError: if no column of a table can be used, or the statistics cannot be computed.
        """
        way = _WAYS.get(recipe.prepare, recipe.prepare)
        _require_pictures(examples, recipe.prepare)
        fitted = cls(examples.kind, examples.task, (), examples.features, examples.labels)
        if examples.task == "regress":
            targets = examples.targets[train].reshape(len(train), -1).astype(np.float64)
            mean, std = zip(*(_mean_std(column) for column in targets.T), strict=True)
            fitted = dataclasses.replace(fitted, target_mean=mean, target_std=tuple(one or 1.0 for one in std))
        if isinstance(examples.inputs, Table):
            table = _fit_table(fitted, examples.inputs[train], way, name=examples.name)
            return _rotate(table, examples, train, recipe)
        if examples.kind == "picture":
            height, width, channels = examples.inputs.shape[1:]
            mean, std = _pixel_affine(examples.inputs, train, way)
            fitted = dataclasses.replace(fitted, input_shape=(channels, height, width), mean=mean, std=std)
            return _rotate(fitted, examples, train, recipe)
        shape = examples.inputs.shape[1:]
        features = np.moveaxis(examples.inputs[train], 1, 0)
        mean, std = zip(*(affine(feature, way) for feature in features), strict=True)
        fitted = dataclasses.replace(fitted, input_shape=shape, mean=mean, std=std)
        return _rotate(fitted, examples, train, recipe)

    @property
    def outputs(self) -> int:
        """How many numbers the network must return for one example."""
        if self.task == "regress":
            return len(self.target_mean)
        return 1 if self.task == "binary" else len(self.labels)

    @property
    def affine(self) -> tuple[Float32, Float32]:
        """(scale, shift) such that a prepared input is `raw * scale + shift` in float32, per channel or feature."""
        mean, std = np.array(self.mean), np.array(self.std)
        inverse = np.divide(1.0, std, out=np.zeros_like(std), where=std > 0)
        return (inverse / (255 if self.kind == "picture" else 1)).astype(np.float32), (-mean * inverse).astype(
            np.float32
        )

    def inputs(self, raw: Table | Array) -> Float32:
        """Prepare raw inputs, in both stages; see `first`."""
        first = self.first(raw)
        return first if self.rotation is None else self.rotation(first).reshape(len(first), *self.input_shape)

    @property
    def raw_shape(self) -> tuple[int, ...]:
        """Shape of an example before the rotation."""
        return self.before or self.input_shape

    def first(self, raw: Table | Array) -> Float32:
        """Prepare raw inputs, of training or new.

        Args:
            raw: as `Examples.inputs`: a table holding at least the training columns, pictures (N, H, W, C), arrays.
        Returns:
            float32 (N, features), (N, C, H, W) or the array's own shape.
        Raises:
            DataError: if a column is missing or holds text instead of numbers.
            ShapeError: if examples have another shape than in training.
        """
        if isinstance(raw, Table):
            return self._table(raw)
        shape = self.raw_shape
        channels_last = shape[1:] + shape[:1] if self.kind == "picture" else shape
        if self.kind == "table" or raw.shape[1:] != channels_last:
            raise ShapeError(
                f"Inputs must have the shape {self.kind} {channels_last} as in training, got {raw.shape[1:]}. "
                "Give examples of the same kind and size."
            )
        scale, shift = self.affine
        along = (1, -1) + (1,) * (len(shape) - 1)
        channels_first = np.moveaxis(raw, -1, 1) if self.kind == "picture" else raw
        prepared = np.multiply(channels_first, scale.reshape(along), dtype=np.float32, order="C")
        prepared += shift.reshape(along)
        return prepared

    def targets(self, raw: Array) -> Array:
        """Standardise regression targets for training; class numbers and sets of labels stay as they are."""
        if self.task != "regress":
            return raw
        mean, std = np.array(self.target_mean), np.array(self.target_std)
        standardised: Array = ((raw.reshape(len(raw), -1) - mean) / std).astype(np.float32)
        return standardised.reshape(raw.shape)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data, without loss."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Preparation:
        """Return the preparation that `to_json` wrote.

        Raises:
            DataError: if it is not one.
        """
        try:
            columns = tuple((Words if "words" in c else Column)(**_tuples(c)) for c in data["columns"])
            rotation = Rotation(**data["rotation"]) if data.get("rotation") else None
            return cls(**{**_tuples(data), "columns": columns, "rotation": rotation})
        except (KeyError, TypeError) as problem:
            raise DataError(f"The stored preparation cannot be read: {problem}. Train the model again.") from None

    def _table(self, raw: Table) -> Float32:
        prepared = np.zeros((len(raw), math.prod(self.raw_shape)), dtype=np.float32)
        start = 0
        for column in self.columns:
            if column.name not in raw.columns:
                guess = nearest(column.name, raw.columns)
                hint = f" Did you mean {guess!r}?" if guess else ""
                raise DataError(
                    f"The table must have the column {column.name!r} as in training, "
                    f"got {', '.join(map(repr, raw.columns))}.{hint}"
                )
            stop = start + len(column.features)
            column.fill(raw.columns[column.name], prepared[:, start:stop])
            start = stop
        return prepared


def _fit_table(fitted: Preparation, table: Table, way: str, *, name: str) -> Preparation:
    found = {name: Column.fit(name, values, way) for name, values in table.columns.items()}
    columns: tuple[Column | Words, ...] = tuple(column for column in found.values() if column)
    if not columns:  # then words are what can be learned from
        columns = tuple(words for name, values in table.columns.items() if (words := Words.fit(name, values)))
    if not columns:
        raise DataError(
            f"{name} must have a column to learn from, but {shorten(found, len(found))} "
            "are empty, constant or text that hardly ever repeats. Add columns of numbers or of a few categories."
        )
    remarks = tuple(
        f"Column {name!r} is left out: it is empty, constant, or text of which hardly any occurs twice."
        for name in found
        if name not in [column.name for column in columns]
    )
    remarks += tuple(
        f"Of {c.name!r} the {len(c.words):,} most frequent words count." for c in columns if type(c) is Words
    )
    features = tuple(feature for column in columns for feature in column.features)
    return dataclasses.replace(
        fitted, columns=columns, feature_names=features, input_shape=(len(features),), remarks=remarks
    )


def _fit_categories(name: str, values: Array) -> Column | None:
    known = values[~missing(values)].astype(str)
    found, counts = np.unique(known, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]
    enough = max(2, math.ceil(_RARE * len(values)))
    categories = tuple(str(found[i]) for i in order if counts[i] >= enough)
    if not categories:
        return None
    return Column(name, False, categories=categories, missing=len(known) < len(values))


def _texts(values: Array) -> list[str | None]:
    """Categories of a column; numbers are written as the reader writes the names of classes."""
    return [None if value is None else class_name(value) for value in values.tolist()]


def _require_pictures(examples: Examples, way: str) -> None:
    if way in _FOR_PICTURES and examples.kind != "picture":
        raise RecipeError([f"data.prepare = {way!r} is for pictures, got {examples.kind} inputs. Use 'standardise'."])


def _rotate(fitted: Preparation, examples: Examples, train: Array, recipe: DataRecipe) -> Preparation:
    """Fit the second stage where the recipe asks for one."""
    way = recipe.prepare
    if way not in (*ROTATED, MEAN_IMAGE):
        if recipe.components:
            raise RecipeError(
                [f"data.components must be 0 with data.prepare = {way!r}, got {recipe.components}. Use 'decorrelate'."]
            )
        return fitted
    names = fitted.feature_names or tuple(f"input {number}" for number in range(math.prod(fitted.input_shape)))
    rotation = fit_rotation(
        lambda rows: fitted.first(examples.inputs[rows]), train, way, names=names, components=recipe.components
    )
    if way in (MEAN_IMAGE, "whiten_zca"):
        return dataclasses.replace(fitted, rotation=rotation)
    remarks = fitted.remarks
    if recipe.components:
        share = f"{100 * rotation.kept:.1f} %"
        remarks = (*remarks, f"{rotation.outputs} of {len(names):,} dimensions are kept: {share} of the variance.")
    return dataclasses.replace(
        fitted,
        rotation=rotation,
        remarks=remarks,
        before=fitted.input_shape,
        input_shape=(rotation.outputs,),
        feature_names=tuple(f"component {number}" for number in range(1, rotation.outputs + 1)),
    )


def affine(values: Array, way: str) -> tuple[float, float]:
    """Return what is subtracted from numbers and what they are divided by; 0 for what never varies.

    >>> affine(np.array([1.0, 3.0]), "standardise"), affine(np.array([1.0, 3.0]), "min_max")
    ((2.0, 1.0), (1.0, 2.0))
    """
    mean, std = _mean_std(values)
    low, high = float(values.min()), float(values.max())
    return _chosen(way, mean, std, low, high)


def _chosen(way: str, mean: float, std: float, low: float, high: float) -> tuple[float, float]:
    constant = std == 0.0
    ways = {
        "none": (0.0, 1.0),
        "centre": (mean, 0.0 if constant else 1.0),
        "scale": (0.0, std),
        "min_max": (low, 0.0 if constant else high - low),
    }
    return ways.get(way, (mean, std))


def _mean_std(values: Array) -> tuple[float, float]:
    """Return mean and deviation in float64; the deviation of what is constant but for its type's rounding is 0."""
    mean, std = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    return mean, std if std > (1e-12 if values.dtype == np.float64 else 1e-7) * abs(mean) else 0.0


def _pixel_affine(pictures: Array, train: Array, way: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return what `affine` returns for each channel on [0, 1], exact: counted from the histogram of the 256 levels."""
    channels = pictures.shape[-1]
    if way == "none":
        return (0.0,) * channels, (1.0,) * channels
    histogram = np.zeros((channels, 256), dtype=np.int64)
    each = max(1, _BLOCK // math.prod(pictures.shape[1:]))
    for start in range(0, len(train), each):
        block = pictures[train[start : start + each]].reshape(-1, channels)
        for channel in range(channels):
            histogram[channel] += np.bincount(block[:, channel], minlength=256)
    levels = np.arange(256) / 255
    found = []
    for counts in histogram:
        mean = float(counts @ levels / counts.sum())
        std = float(np.sqrt(counts @ (levels - mean) ** 2 / counts.sum()))
        seen = levels[counts > 0]
        found.append(_chosen(way, mean, std, float(seen[0]), float(seen[-1])))
    mean_of, std_of = zip(*found, strict=True)
    return mean_of, std_of


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
