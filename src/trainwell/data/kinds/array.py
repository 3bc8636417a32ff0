"""Arrays of numbers of one shape: (N, features), (N, channels, ...)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from trainwell.core.errors import DataError, ShapeError
from trainwell.data.kinds.fixed_size import FOR_ALL, FixedSize, Float32, fields_of, with_rotation
from trainwell.data.kinds.kind import Kind, Measurement, Pixels, Rows, View
from trainwell.data.statistics.affine import affine, first_stage
from trainwell.data.statistics.channels import scale_and_shift, scaled, stretched
from trainwell.data.values.given import as_array, as_numbers
from trainwell.data.values.missing import Array
from trainwell.data.values.naming import listing
from trainwell.recipe.sections import DataRecipe

_WIDEST = 64  # numbers of an example beyond which only equal examples are duplicates
_SMALLEST_IMAGE = 16  # minimum sides from which an array with 1 or 3 channels is shown as an image


@final
@dataclass(frozen=True)
class ArrayPreparation(FixedSize):
    """How arrays are scaled along their first axis: features, or channels.

    Args:
        mean: mean of each feature or channel.
        std: deviation of each; 0 marks a constant one, whose input is always 0.
    """

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    @property
    def channel_affine(self) -> tuple[Float32, Float32] | None:
        """(scale, shift) of each feature or channel, where no rotation follows."""
        return scale_and_shift(self.mean, self.std) if self.rotation is None else None

    def first(self, raw: Array) -> Float32:
        """Return (N, ...) numbers of the same shape.

        Raises:
            ShapeError: if examples have another shape than in training.
        """
        if not isinstance(raw, np.ndarray) or raw.shape[1:] != self.raw_shape:
            raise ShapeError(
                f"Inputs must be arrays of shape {self.raw_shape} as in training, got {np.shape(raw)[1:]}. "
                "Give examples of the same kind and size."
            )
        scale, shift = scale_and_shift(self.mean, self.std)
        return scaled(raw, scale, shift=shift)

    def view(self, prepared: Array) -> list[View]:
        """Return arrays that look like images, stretched from black to white, else named numbers."""
        if prepared.ndim == 4 and prepared.shape[1] in (1, 3):
            return [View(pixels=pixels) for pixels in stretched(prepared)]
        return super().view(prepared)


@final
class ArrayKind(Kind):
    """Arrays of float32, all of one shape (N, ...)."""

    name = "array"
    units = "examples"
    description = "arrays"
    preparations = FOR_ALL
    has_columns = True

    def check(self, inputs: Array, *, name: str, ids: Sequence[str]) -> None:
        """Raise for NaN and infinity."""
        if inputs.dtype.kind == "f" and not np.isfinite(inputs).all():
            broken = np.array([not np.isfinite(example).all() for example in inputs])
            raise DataError(
                f"The inputs of {name} must be finite numbers, got NaN or infinity in "
                f"{listing(ids, broken)}. Correct or delete these examples."
            )

    def check_new(self, inputs: Array, *, ids: Sequence[str]) -> None:
        """Raise for NaN and infinity."""
        if inputs.dtype.kind != "f":
            return
        broken = np.asarray(~np.isfinite(inputs).reshape(len(inputs), -1).all(axis=1))
        if broken.any():
            raise DataError(
                f"Inputs must be finite numbers to predict on, got NaN or infinity in {listing(ids, broken, most=1)}. "
                "Correct or delete these examples."
            )

    def given(self, values: Any) -> Array:
        """Return arrays, lists or tensors as numbers."""
        return as_numbers(as_array(values, what="x", name="the inputs"), name="the inputs")

    def content(self, inputs: Array) -> Iterator[Array]:
        """Yield the numbers."""
        yield inputs

    def fit(
        self, inputs: Array, rows: Rows, *, settings: DataRecipe, name: str, features: tuple[str, ...]
    ) -> tuple[ArrayPreparation, tuple[str, ...]]:
        """Fit mean and deviation along the first axis, and the second stage."""
        method = first_stage(settings.prepare)
        by_feature = np.moveaxis(inputs[rows], 1, 0)
        mean, std = zip(*(affine(feature, method) for feature in by_feature), strict=True)
        first = ArrayPreparation(input_shape=inputs.shape[1:], names=features, mean=mean, std=std)
        return with_rotation(first, inputs, rows=rows, settings=settings)

    def load(self, data: Mapping[str, Any]) -> ArrayPreparation:
        """Return the preparation that `to_json` wrote."""
        return ArrayPreparation(**fields_of(data), mean=tuple(data["mean"]), std=tuple(data["std"]))

    def view(self, inputs: Array, rows: Iterable[int], *, features: Sequence[str] = ()) -> list[View]:
        """Return the numbers of each example in a row."""
        width = int(np.prod(inputs.shape[1:]))
        names = list(features) or [f"x{number}" for number in range(width)]
        return [View(values=dict(zip(names, inputs[row].reshape(-1).tolist(), strict=True))) for row in rows]

    def measure(self, inputs: Array, features: Sequence[str], *, most: int) -> dict[str, Measurement]:
        """Return every number; of examples with more than that, mean and standard deviation."""
        flat = inputs.reshape(len(inputs), -1).astype(np.float64)
        if flat.shape[1] > most:
            return {"mean": Measurement(flat.mean(axis=1)), "deviation": Measurement(flat.std(axis=1))}
        names = features or [f"x{number}" for number in range(flat.shape[1])]
        return {name: Measurement(column) for name, column in zip(names, flat.T, strict=True)}

    def identity(self, inputs: Array) -> Array:
        """Return the numbers in a row."""
        return inputs.reshape(len(inputs), -1)

    def numbers(self, inputs: Array) -> NDArray[np.float64] | None:
        """Return the numbers of small examples in a row."""
        if _is_image(inputs) or inputs[0].size > _WIDEST:
            return None
        return inputs.reshape(len(inputs), -1).astype(np.float64)

    def pixels(self, inputs: Array) -> Pixels | None:
        """Return arrays that look like images as such: 1 or 3 channels, two sides of 16 and more."""
        if not _is_image(inputs):
            return None
        channels_first = inputs[:, np.newaxis] if inputs.ndim == 3 else inputs
        low = float(inputs.min())
        high = float(inputs.max())
        levels = np.moveaxis((channels_first - low) * (255 / ((high - low) or 1.0)), 1, 3)
        return levels.astype(np.uint8)

    def constant_features(self, inputs: Array, rows: Rows, *, features: Sequence[str]) -> Iterator[str]:
        """Yield the features of one value."""
        if features:
            varies = np.ptp(inputs[rows], axis=0) > 0
            yield from (name for name, changes in zip(features, varies, strict=True) if not changes)


def _is_image(inputs: Array) -> bool:
    sides = inputs.shape[-2:] if inputs.ndim in (3, 4) else ()
    channels = 1 if inputs.ndim == 3 else inputs.shape[1]
    return len(sides) == 2 and channels in (1, 3) and min(sides) >= _SMALLEST_IMAGE
