"""Direct, im2col and FFT convolution give the same result; the time of the FFT does not depend on the filter size.

The direct way multiplies the filter with every window. im2col copies the windows into the columns of a matrix, so that
one matrix product is enough. In Fourier space convolution is multiplication, whatever the size of the filter.

Padding p adds p zeros around the image; a stride s applies the filter at every s-th position only: (n + 2p - f) // s
+ 1 positions along a side of n (docs/curriculum.md, H1). The FFT computes all positions and keeps every s-th. Pooling
replaces the product with the maximum or the mean of a window; mean pooling is itself a convolution.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from trainwell.core.figure import LOG_Y, Axes, Field, Figure, Panel, curves
from trainwell.lab.result import Conditions, Result, near, result


def positions(side: int, size: int, *, stride: int = 1, padding: int = 0) -> int:
    """Return the number of positions of a filter along a side: the size of the output.

    >>> positions(5, 3), positions(5, 3, stride=2), positions(5, 3, padding=1), positions(227, 11, stride=4)
    (3, 2, 5, 55)
    """
    return (side + 2 * padding - size) // stride + 1


def directly(images: Tensor, filters: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    """Multiply the filters (K, C, f, f) with every window of the images (B, C, H, W)."""
    size = filters.shape[-1]
    rows, columns = (positions(side, size, stride=stride, padding=padding) for side in images.shape[-2:])
    padded = F.pad(images, (padding,) * 4)
    out = torch.empty(len(images), len(filters), rows, columns, dtype=images.dtype)
    for row in range(rows):
        for column in range(columns):
            y = row * stride
            x = column * stride
            out[:, :, row, column] = torch.einsum("bcij,kcij->bk", padded[:, :, y : y + size, x : x + size], filters)
    return out


def im2col(images: Tensor, filters: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    """Copy the windows into columns, and multiply matrices once."""
    size = filters.shape[-1]
    rows, columns = (positions(side, size, stride=stride, padding=padding) for side in images.shape[-2:])
    windows = F.unfold(images, size, stride=stride, padding=padding)
    return (filters.flatten(1) @ windows).view(len(images), len(filters), rows, columns)


def fourier(images: Tensor, filters: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    """Multiply spectra; the conjugate turns convolution into the cross-correlation that networks compute."""
    padded = F.pad(images, (padding,) * 4)
    height, width = padded.shape[-2:]
    size = filters.shape[-1]
    spectra = torch.einsum("bchw,kchw->bkhw", torch.fft.rfft2(padded), torch.fft.rfft2(filters, (height, width)).conj())
    out: Tensor = torch.fft.irfft2(spectra, (height, width))
    return out[..., : height - size + 1 : stride, : width - size + 1 : stride]


def pool(images: Tensor, size: int, *, stride: int, mean: bool = False) -> Tensor:
    """Return the maximum, or the mean, of every window of the images (B, C, H, W)."""
    rows, columns = (positions(side, size, stride=stride) for side in images.shape[-2:])
    windows = F.unfold(images, size, stride=stride).view(*images.shape[:2], size * size, rows, columns)
    return windows.mean(2) if mean else windows.amax(2)


_STRIDES_AND_PADDINGS = ((1, 0), (1, 1), (2, 0), (2, 1), (3, 2))


def _worked() -> tuple[dict[str, float], tuple[Panel, ...]]:
    """Apply an edge filter to a small image with every stride and padding, and pool the result."""
    image = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    image[..., 2:6, 2:6] = 1.0
    edge = torch.tensor([[[[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]]], dtype=torch.float64)  # Sobel
    errors = []
    for stride, padding in _STRIDES_AND_PADDINGS:
        truth = F.conv2d(image, edge, stride=stride, padding=padding)
        for way in (directly, im2col, fourier):
            errors.append(float((way(image, edge, stride=stride, padding=padding) - truth).abs().max()))
    same = im2col(image, edge, padding=1)
    shown = {
        "An image of 8 x 8": image,
        "Edge filter, padding 1: 8 x 8 again": same,
        "Stride 2, padding 1: 4 x 4": im2col(image, edge, stride=2, padding=1),
        "Max pooling 2 x 2": pool(same, 2, stride=2),
    }
    quarters = torch.full_like(edge[..., :2, :2], 0.25)
    pairs = (
        (pool(same, 3, stride=2), F.max_pool2d(same, 3, 2)),
        (pool(same, 2, stride=2, mean=True), im2col(same, quarters, stride=2)),
    )
    numbers = {
        "strides and paddings: largest difference": max(errors),
        "pooling: largest difference": max(float((one - other).abs().max()) for one, other in pairs),
    }
    return numbers, tuple(_shown(title, values) for title, values in shown.items())


def _shown(title: str, values: Tensor) -> Panel:
    """Draw an image (1, 1, H, W) as cells."""
    height, width = values.shape[-2:]
    rows = tuple(map(tuple, values[0, 0].flip(0).tolist()))
    spans = ((0.0, float(width)), (0.0, float(height)))
    return Panel(title, "column", "row", field=Field(rows), axes=Axes(spans=spans, square=True))


def _milliseconds(way: Callable[[Tensor, Tensor], Tensor], images: Tensor, *, filters: Tensor) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        way(images, filters)
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def run(conditions: Conditions) -> Result:
    """Compare the results for filters of several sizes, and the time they take."""
    ways = {"direct": directly, "im2col": im2col, "FFT": fourier}
    images = torch.randn(4, 3, 40, 40)
    sizes = (1, 3, 5, 9, 13, 17, 21)
    times: dict[str, list[float]] = {name: [] for name in ways}
    errors: dict[str, list[float]] = {name: [] for name in ways}
    for size in sizes:
        filters = torch.randn(8, 3, size, size) / size
        truth = F.conv2d(images.double(), filters.double())
        for name, way in ways.items():
            errors[name].append(float((way(images, filters) - truth).abs().max()))
            times[name].append(_milliseconds(way, images, filters=filters))
    worked, panels = _worked()
    figure = Figure(
        "All three agree to rounding error, with strides and padding too. The time of im2col grows with the filter; "
        "that of the FFT does not. Below: blue is positive, orange negative; rows are counted from the bottom.",
        (
            Panel(
                "Time on this machine (direct: a Python loop)",
                "filter size",
                "milliseconds",
                curves(times, xs=sizes),
                axes=Axes(logs=LOG_Y),
            ),
            Panel(
                "Largest difference from float64",
                "filter size",
                "difference",
                curves(errors, xs=sizes),
                axes=Axes(logs=LOG_Y),
            ),
            *panels,
        ),
    )
    numbers = {f"{name}: largest difference": (max(errors[name]), near(0, within=1e-4)) for name in ways}
    return result(numbers | {name: (value, near(0, within=1e-9)) for name, value in worked.items()}, figure)
