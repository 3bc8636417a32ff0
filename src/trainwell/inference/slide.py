"""Sliding-window classification of a large image in one pass (docs/curriculum.md, A9)."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainwell.core.errors import UsageError
from trainwell.data import read_image
from trainwell.fitting.trained_model import load_model, load_task
from trainwell.nn import fully_convolutional
from trainwell.runs import Run

_PIXELS_AT_ONCE = 1_500_000  # pixels of a strip; bounds the memory of the first layers' feature maps
_CROPS_AT_ONCE = 512


@dataclass(frozen=True)
class ClassMap:
    """The predicted class of every window of an image.

    Args:
        classes: (rows, columns) index of the most probable class of each window.
        confidence: (rows, columns) its probability.
        labels: names of the classes.
        window: (height, width) of a window in pixels.
        stride: pixels between two windows.
        one_pass: False if every window was classified separately.
    """

    classes: NDArray[np.int64]
    confidence: NDArray[np.float64]
    labels: tuple[str, ...]
    window: tuple[int, int]
    stride: int
    one_pass: bool

    def shares(self) -> dict[str, float]:
        """Return the fraction of windows of each class."""
        counts = np.bincount(self.classes.ravel(), minlength=len(self.labels))
        return {label: float(count / self.classes.size) for label, count in zip(self.labels, counts, strict=True)}

    def image(self) -> NDArray[np.uint8]:
        """Return (rows, columns, 3): a colour for each class, darker for lower confidence."""
        hues = [colorsys.hsv_to_rgb(number / len(self.labels), 0.8, 1.0) for number in range(len(self.labels))]
        colours = 255 * np.array(hues)[self.classes]
        return (colours * self.confidence[..., None]).astype(np.uint8)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data, in the shape `slide --json` prints."""
        rows, columns = self.classes.shape
        return {
            "rows": rows,
            "columns": columns,
            "window": list(self.window),
            "stride": self.stride,
            "one_pass": self.one_pass,
            "labels": list(self.labels),
            "shares": self.shares(),
            "classes": self.classes.tolist(),
            "confidence": np.round(self.confidence, 4).tolist(),
        }


def slide(run: Run, image: str | Path, *, crops: bool = False, stride: int = 0) -> ClassMap:
    """Classify every window of an image with the network of a run.

    Args:
        run: the run of an image classifier.
        image: an image file at least as large as the images of the run.
        crops: classify every window separately, for networks with padding.
        stride: pixels between two windows, with `crops`; 0: the stride of the network, or a quarter of a window.
    Raises:
        UsageError: if the run does not classify images, the network pads, or the image is too small.
    """
    recipe, preparation, task = load_task(run)
    if not preparation.kind.is_spatial or not task.has_classes:
        raise UsageError(
            f"slide needs the run of an image classifier, got {task.name!r} of "
            f"{preparation.kind.description}. Train one with: trainwell fit FOLDER"
        )
    affine = preparation.fitted.channel_affine
    if affine is None:
        raise UsageError(f"slide needs separately prepared channels, got data.prepare = {recipe.data.prepare!r}.")
    raw = read_image(Path(image), channels=preparation.input_shape[0], max_pixels=recipe.data.max_pixels)
    window = (preparation.input_shape[1], preparation.input_shape[2])
    if raw.shape[0] < window[0] or raw.shape[1] < window[1]:
        raise UsageError(
            f"The image must have at least the {window[0]}x{window[1]} pixels of one window, got "
            f"{raw.shape[0]}x{raw.shape[1]}. Give a larger image, or use: trainwell predict"
        )
    inputs = prepare_large(raw, affine[0], shift=affine[1])
    model = load_model(run)
    if crops:
        step = stride or max(1, min(window) // 4)
        outputs = by_crops(model, inputs, window=window, stride=step)
    else:
        slid, step = fully_convolutional(model, preparation.input_shape)
        outputs = in_one_pass(slid, inputs, window=window, stride=step)
    answer = task.predict(outputs.flatten(1).T)
    classes = answer.values.reshape(outputs.shape[1:]).astype(np.int64)
    sure = np.asarray(answer.confidence)
    return ClassMap(classes, sure.reshape(outputs.shape[1:]), task.labels, window, step, one_pass=not crops)


def prepare_large(raw: NDArray[np.uint8], scale: NDArray[np.float32], *, shift: NDArray[np.float32]) -> Tensor:
    """Prepare an image (H, W, C) of any size as in training, as (1, C, H, W)."""
    return torch.from_numpy((raw * scale + shift).astype(np.float32)).permute(2, 0, 1).unsqueeze(0).contiguous()


def in_one_pass(slid: nn.Module, inputs: Tensor, *, window: tuple[int, int], stride: int) -> Tensor:
    """Return (outputs, rows, columns) of a fully convolutional network, in strips to bound memory.

    Args:
        slid: the network that `nn.fully_convolutional` returns.
        inputs: (1, channels, height, width).
        window: (height, width) of one window.
        stride: pixels between two windows.
    """
    rows, columns = ((side - one) // stride + 1 for side, one in zip(inputs.shape[2:], window, strict=True))
    each = max(1, (_PIXELS_AT_ONCE // inputs.shape[3] - window[0]) // stride)
    strips = []
    with torch.inference_mode():
        for first in range(0, rows, each):
            count = min(each, rows - first)
            strip = inputs[:, :, first * stride : (first + count - 1) * stride + window[0]]
            strips.append(slid(strip)[0, :, :count, :columns])
    return torch.cat(strips, dim=1)


def by_crops(model: nn.Module, inputs: Tensor, *, window: tuple[int, int], stride: int) -> Tensor:
    """Return (outputs, rows, columns) of a classifier applied to every window separately, in large batches."""
    views = inputs[0].unfold(1, window[0], stride).unfold(2, window[1], stride)  # (C, rows, columns, *window)
    rows, columns = views.shape[1:3]
    found = []
    with torch.inference_mode():
        for first in range(0, rows * columns, _CROPS_AT_ONCE):
            numbers = torch.arange(first, min(first + _CROPS_AT_ONCE, rows * columns))
            found.append(model(views[:, numbers // columns, numbers % columns].transpose(0, 1)))
    outputs = torch.cat(found)
    return outputs.T.reshape(-1, rows, columns)
