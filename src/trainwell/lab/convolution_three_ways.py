"""Directly, as one matrix product and through Fourier space: three ways to the same convolution.

Directly, a filter is laid on every window. im2col copies the windows into the columns of a matrix, so that one product
does it all. In Fourier space sliding becomes multiplying, whatever the filter's size: it wins when filters are large.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from trainwell.lab.figure import LOG_Y, Figure, Panel, curves
from trainwell.lab.result import Conditions, Result, near, result


def directly(pictures: Tensor, filters: Tensor) -> Tensor:
    """Lay the filters (K, C, f, f) on every window of the pictures (B, C, H, W)."""
    size = filters.shape[-1]
    rows, columns = (side - size + 1 for side in pictures.shape[-2:])
    out = torch.empty(len(pictures), len(filters), rows, columns)
    for row in range(rows):
        for column in range(columns):
            window = pictures[:, :, row : row + size, column : column + size]
            out[:, :, row, column] = torch.einsum("bcij,kcij->bk", window, filters)
    return out


def im2col(pictures: Tensor, filters: Tensor) -> Tensor:
    """Copy the windows into columns, and multiply once."""
    size = filters.shape[-1]
    rows, columns = (side - size + 1 for side in pictures.shape[-2:])
    return (filters.flatten(1) @ F.unfold(pictures, size)).view(len(pictures), len(filters), rows, columns)


def fourier(pictures: Tensor, filters: Tensor) -> Tensor:
    """Multiply spectra; the conjugate turns convolution into the networks' cross-correlation."""
    height, width = pictures.shape[-2:]
    size = filters.shape[-1]
    spectra = torch.einsum(
        "bchw,kchw->bkhw", torch.fft.rfft2(pictures), torch.fft.rfft2(filters, (height, width)).conj()
    )
    out: Tensor = torch.fft.irfft2(spectra, (height, width))
    return out[..., : height - size + 1, : width - size + 1]


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
    figure = Figure(
        "All three agree to rounding. im2col's time grows with the filter; Fourier's does not, and wins from 5 x 5 on.",
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
        ),
    )
    return result({f"{name}: largest difference": (max(apart[name]), near(0, within=1e-4)) for name in ways}, figure)
