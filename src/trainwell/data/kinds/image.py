"""Images: uint8 (N, H, W, C), grey or in colour."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from trainwell.core.errors import ShapeError
from trainwell.core.files import plain
from trainwell.core.finding import Finding, Severity
from trainwell.data.kinds.fixed_size import FOR_ALL, FixedSize, Float32, fields_of, with_rotation
from trainwell.data.kinds.kind import InputPreparation, Kind, Measurement, Pixels, Rows, Source, View
from trainwell.data.statistics.affine import first_stage, pixel_affine
from trainwell.data.statistics.channels import scale_and_shift, scaled, stretched
from trainwell.data.statistics.whitening import FLATTENING
from trainwell.data.values.given import as_array, as_images, as_numbers
from trainwell.data.values.missing import Array
from trainwell.recipe.sections import DataRecipe

if TYPE_CHECKING:
    from trainwell.core.batch import Batch

_FLOAT_BYTES = 1 << 30  # more inputs stay uint8 and are converted to floats batch by batch
_FLAT = 1.0  # standard deviation of the grey levels below which an image is blank
_DEVIATION = "deviation of "
_SHOWN = 10  # images named in a finding
_BLOCK = 1024  # images measured at once


@final
@dataclass(frozen=True)
class ImagePreparation(FixedSize):
    """How images become (channels, height, width) floats.

    Args:
        mean: mean of each channel, on pixels scaled to [0, 1].
        std: deviation of each channel; 0 marks a constant one, whose input is always 0.
    """

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    @property
    def affine(self) -> tuple[Float32, Float32]:
        """(scale, shift), (channels,) each: the first stage is `raw * scale + shift` in float32."""
        return scale_and_shift(self.mean, self.std, unit=255)

    @property
    def colours(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and deviation of each channel."""
        return self.mean, self.std

    @property
    def channel_affine(self) -> tuple[Float32, Float32] | None:
        """`affine`, where no rotation follows."""
        return self.affine if self.rotation is None else None

    def first(self, raw: Pixels) -> Float32:
        """Return (N, C, H, W) floats.

        Args:
            raw: (N, H, W, C) of the size of training.
        Raises:
            ShapeError: if they have another shape.
        """
        channels, height, width = self.raw_shape
        if not isinstance(raw, np.ndarray) or raw.shape[1:] != (height, width, channels):
            raise ShapeError(
                f"Inputs must be images of shape {(height, width, channels)} as in training, got "
                f"{np.shape(raw)[1:]}. Give examples of the same kind and size."
            )
        return scaled(np.moveaxis(raw, -1, 1), self.affine[0], shift=self.affine[1])

    def source(self, raw: Pixels) -> Source:
        """Prepare everything at once where memory allows; else leave pixels as they are and prepare each batch."""
        if 4 * math.prod(raw.shape) <= _FLOAT_BYTES:
            return super().source(raw)
        if self.rotation is None:
            from trainwell.data.statistics.normalise import Normalise

            return Source({"inputs": raw}, finish=Normalise(*self.affine))

        def finish(batch: Batch) -> Batch:
            return batch.replace(inputs=self.tensor(batch.inputs.numpy()))

        return Source({"inputs": raw}, finish=finish)

    def adopted(self, new: InputPreparation) -> InputPreparation | None:
        """Return this preparation for images of as many channels, of any size where no rotation holds one."""
        if not isinstance(new, ImagePreparation):
            return None
        if self.rotation is None:
            fits = len(new.input_shape) == 3 and new.input_shape[0] == self.input_shape[0]
        else:
            fits = new.input_shape == self.input_shape
        return dataclasses.replace(self, input_shape=new.input_shape) if fits else None

    def published(self, mean: tuple[float, ...], std: tuple[float, ...]) -> ImagePreparation | None:
        """Return the preparation with these numbers for each channel; grey images get the mean over them."""
        if self.input_shape[0] not in (1, 3):
            return None
        if self.input_shape[0] == 1:
            mean = (sum(mean) / len(mean),)
            std = (sum(std) / len(std),)
        return dataclasses.replace(self, mean=mean, std=std)

    def view(self, prepared: Array) -> list[View]:
        """Return the pixels: exactly those of the data without a rotation, else stretched from black to white."""
        if len(prepared.shape) != 4 or prepared.shape[1] not in (1, 3):
            return super().view(prepared)
        if self.rotation is not None:
            return [View(pixels=pixels) for pixels in stretched(prepared)]
        mean, std = (np.array(part).reshape(1, -1, 1, 1) for part in (self.mean, self.std))
        levels = np.rint((prepared * std + mean) * 255)
        return [View(pixels=pixels) for pixels in np.moveaxis(np.clip(levels, 0, 255), 1, 3).astype(np.uint8)]


@final
class ImageKind(Kind):
    """Images, (N, H, W, C) uint8 with C = 1 or 3."""

    name = "image"
    units = "images"
    description = "images"
    preparations = (*FOR_ALL, "mean_image", "channel_mean", "channel_mean_std")
    is_spatial = True

    def check(self, inputs: Pixels, *, name: str, ids: Sequence[str]) -> None:
        """Accept all images: bytes are finite."""

    def check_new(self, inputs: Pixels, *, ids: Sequence[str]) -> None:
        """Accept all images: bytes are finite."""

    def given(self, values: Any) -> Array:
        """Return arrays, lists or tensors as images; anything else as numbers, which raise later."""
        array = as_array(values, what="x", name="the inputs")
        images = as_images(array)
        return as_numbers(array, name="the inputs") if images is None else images

    def content(self, inputs: Pixels) -> Iterator[Array]:
        """Yield the pixels."""
        yield inputs

    def shape(self, inputs: Pixels, prepare: str) -> tuple[int, ...]:
        """Return (channels, height, width); () after a rotation that leaves no rows and columns."""
        return () if prepare in FLATTENING else _channels_first(inputs)

    def fit(
        self, inputs: Pixels, rows: Rows, *, settings: DataRecipe, name: str, features: tuple[str, ...]
    ) -> tuple[ImagePreparation, tuple[str, ...]]:
        """Fit mean and deviation of every channel, and the second stage."""
        mean, std = pixel_affine(inputs, rows, method=first_stage(settings.prepare))
        first = ImagePreparation(input_shape=_channels_first(inputs), mean=mean, std=std)
        return with_rotation(first, inputs, rows=rows, settings=settings)

    def load(self, data: Mapping[str, Any]) -> ImagePreparation:
        """Return the preparation that `to_json` wrote."""
        return ImagePreparation(**fields_of(data), mean=tuple(data["mean"]), std=tuple(data["std"]))

    def view(self, inputs: Pixels, rows: Iterable[int], *, features: Sequence[str] = ()) -> list[View]:
        """Return the pixels."""
        return [View(pixels=inputs[row]) for row in rows]

    def measure(self, inputs: Pixels, features: Sequence[str], *, most: int) -> dict[str, Measurement]:
        """Return mean and standard deviation of every channel's grey levels."""
        mean, spread = np.empty((2, len(inputs), inputs.shape[3]))
        for start in range(0, len(inputs), _BLOCK):
            block = inputs[start : start + _BLOCK].reshape(-1, inputs.shape[1] * inputs.shape[2], inputs.shape[3])
            mean[start : start + _BLOCK] = block.mean(axis=1, dtype=np.float32)
            spread[start : start + _BLOCK] = block.std(axis=1, dtype=np.float32)
        names = ("grey",) if inputs.shape[3] == 1 else ("red", "green", "blue")
        means = {f"mean {name}": Measurement(mean[:, i], is_quantity=False) for i, name in enumerate(names)}
        spreads = {_DEVIATION + name: Measurement(spread[:, i], is_quantity=False) for i, name in enumerate(names)}
        return means | spreads

    def identity(self, inputs: Pixels) -> Array:
        """Return the pixels in a row."""
        return inputs.reshape(len(inputs), -1)

    def pixels(self, inputs: Pixels) -> Pixels:
        """Return the images."""
        return inputs

    def findings(self, inputs: Pixels, *, ids: Sequence[str], measured: Mapping[str, Measurement]) -> Iterator[Finding]:
        """Find images of a single colour."""
        spread = np.max([one.values for name, one in measured.items() if name.startswith(_DEVIATION)], axis=0)
        blank = np.flatnonzero(spread < _FLAT)
        if len(blank):
            yield Finding(
                rule="blank_images",
                severity=Severity.WARNING,
                title=f"{len(blank):,} of {len(inputs):,} images are blank (one colour): nothing can be learned from "
                "them.",
                evidence={"blank_images": len(blank), "blank_images_limit": 0},
                where=tuple(plain(str(ids[row])) for row in blank[:_SHOWN]),
            )


def _channels_first(images: Pixels) -> tuple[int, int, int]:
    height, width, channels = images.shape[1:]
    return channels, height, width
