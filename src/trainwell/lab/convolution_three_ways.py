"""Directly, as one matrix product and through Fourier space: three ways to the same convolution, and pooling.

Directly, a filter is laid on every window. im2col copies the windows into the columns of a matrix, so that one product
does it all. In Fourier space sliding becomes multiplying, whatever the filter's size: it wins when filters are large.

Padding p puts p zeros around the picture, a stride s lays the filter on every s-th place only: (n + 2p - f) // s + 1
places along a side of n (curriculum H1). Fourier space computes all places and keeps every s-th. Pooling is a
convolution's window with the maximum, or the mean, in place of the product; the mean is a convolution again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from trainwell.core.figure import LOG_Y, Field, Figure, Panel, curves
from trainwell.lab.result import Conditions, Result, near, result


def places(side: int, size: int, *, stride: int = 1, padding: int = 0) -> int:
    """Count the places of a filter along a side.

    >>> places(5, 3), places(5, 3, stride=2), places(5, 3, padding=1), places(227, 11, stride=4)
    (3, 2, 5, 55)
    """
    return (side + 2 * padding - size) // stride + 1


def directly(pictures: Tensor, filters: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    """Lay the filters (K, C, f, f) on every window of the pictures (B, C, H, W)."""
    size = filters.shape[-1]
    rows, columns = (places(side, size, stride=stride, padding=padding) for side in pictures.shape[-2:])
    padded = F.pad(pictures, (padding,) * 4)
    out = torch.empty(len(pictures), len(filters), rows, columns, dtype=pictures.dtype)
    for row in range(rows):
        for column in range(columns):
            y, x = row * stride, column * stride
            out[:, :, row, column] = torch.einsum("bcij,kcij->bk", padded[:, :, y : y + size, x : x + size], filters)
    return out


def im2col(pictures: Tensor, filters: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    """Copy the windows into columns, and multiply once."""
    size = filters.shape[-1]
    rows, columns = (places(side, size, stride=stride, padding=padding) for side in pictures.shape[-2:])
    windows = F.unfold(pictures, size, stride=stride, padding=padding)
    return (filters.flatten(1) @ windows).view(len(pictures), len(filters), rows, columns)


def fourier(pictures: Tensor, filters: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    """Multiply spectra; the conjugate turns convolution into the networks' cross-correlation."""
    padded = F.pad(pictures, (padding,) * 4)
    height, width = padded.shape[-2:]
    size = filters.shape[-1]
    spectra = torch.einsum("bchw,kchw->bkhw", torch.fft.rfft2(padded), torch.fft.rfft2(filters, (height, width)).conj())
    out: Tensor = torch.fft.irfft2(spectra, (height, width))
    return out[..., : height - size + 1 : stride, : width - size + 1 : stride]


def pool(pictures: Tensor, size: int, *, stride: int, mean: bool = False) -> Tensor:
    """Keep the largest value, or the mean, of every window of the pictures (B, C, H, W)."""
    rows, columns = (places(side, size, stride=stride) for side in pictures.shape[-2:])
    windows = F.unfold(pictures, size, stride=stride).view(*pictures.shape[:2], size * size, rows, columns)
    return windows.mean(2) if mean else windows.amax(2)


def _worked() -> tuple[dict[str, float], tuple[Panel, ...]]:
    """Work an edge filter out on a small picture with every stride and padding, and pool what it finds."""
    picture = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    picture[..., 2:6, 2:6] = 1.0
    edge = torch.tensor([[[[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]]], dtype=torch.float64)  # Sobel
    apart = 0.0
    for stride, padding in ((1, 0), (1, 1), (2, 0), (2, 1), (3, 2)):
        found = [way(picture, edge, stride=stride, padding=padding) for way in (directly, im2col, fourier)]
        truth = F.conv2d(picture, edge, stride=stride, padding=padding)
        apart = max(apart, *(float((one - truth).abs().max()) for one in found))
    same = im2col(picture, edge, padding=1)
    shown = {
        "A picture of 8 x 8": picture,
        "Edge filter, padding 1: 8 x 8 again": same,
        "Stride 2, padding 1: 4 x 4": im2col(picture, edge, stride=2, padding=1),
        "Largest of each 2 x 2": pool(same, 2, stride=2),
    }
    mean, quarters = pool(same, 2, stride=2, mean=True), torch.full_like(edge[..., :2, :2], 0.25)
    pairs = ((pool(same, 3, stride=2), F.max_pool2d(same, 3, 2)), (mean, im2col(same, quarters, stride=2)))
    off = max(float((one - other).abs().max()) for one, other in pairs)
    panels = tuple(
        Panel(title, "column", "row", field=Field(tuple(map(tuple, values[0, 0].flip(0).tolist()))),
              spans=((0.0, values.shape[-1]), (0.0, values.shape[-2])), square=True)
        for title, values in shown.items()
    )  # fmt: skip
    return {"with strides and paddings: largest difference": apart, "pooling: largest difference": off}, panels


def _milliseconds(way: Callable[[Tensor, Tensor], Tensor], pictures: Tensor, filters: Tensor) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        way(pictures, filters)
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def run(conditions: Conditions) -> Result:
    """Compare results for filters of several sizes, and the time they take."""
    ways = {"directly": directly, "im2col": im2col, "Fourier": fourier}
    pictures, sizes = torch.randn(4, 3, 40, 40), (1, 3, 5, 9, 13, 17, 21)
    times: dict[str, list[float]] = {name: [] for name in ways}
    apart: dict[str, list[float]] = {name: [] for name in ways}
    for size in sizes:
        filters = torch.randn(8, 3, size, size) / size
        truth = F.conv2d(pictures.double(), filters.double())
        for name, way in ways.items():
            apart[name].append(float((way(pictures, filters) - truth).abs().max()))
            times[name].append(_milliseconds(way, pictures, filters))
    worked, panels = _worked()
    figure = Figure(
        "All three agree to rounding, with strides and padding too. im2col's time grows with the filter; Fourier's "
        "does not, and wins from 5 x 5 on. Below: rows are counted from below; blue is positive, orange negative.",
        (
            Panel(
                "Time on this machine (directly: a Python loop)",
                "side of the filter",
                "milliseconds",
                curves(times, xs=sizes),
                logs=LOG_Y,
            ),
            Panel(
                "Largest difference from 64-bit",
                "side of the filter",
                "difference",
                curves(apart, xs=sizes),
                logs=LOG_Y,
            ),
            *panels,
        ),
    )
    numbers = {f"{name}: largest difference": (max(apart[name]), near(0, within=1e-4)) for name in ways}
    return result(numbers | {name: (value, near(0, within=1e-9)) for name, value in worked.items()}, figure)
