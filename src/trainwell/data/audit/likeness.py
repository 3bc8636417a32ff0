"""Pictures that are copies of one another though no byte agrees: shifted, mirrored, encoded again, resized.

1. Every picture is reduced to grey at 40 pixels or less. The low frequencies (DCT) of its middle describe it.
2. The same is done for windows moved by a few pixels, for the window around the centre of what is seen, and for all
   their mirror images; each asks for its nearest neighbours among the middles. Only a few of about sqrt(N) cells are
   searched (an inverted file, Jégou, Douze and Schmid 2011), so that 60,000 pictures take seconds.
3. Each candidate is laid over its partner and compared pixel by pixel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from trainwell.data.examples import Array

Float32 = NDArray[np.float32]
Ints = NDArray[np.int64]

SMALLEST = 16  # pixels: below, likeness cannot be told from a copy
_SIDE = 40  # larger pictures are averaged down to at most this
_ORDER = 5  # frequencies each way: a shift of one pixel still leaves them alike
_STEP = 2  # windows lie so far apart; the exact comparison closes the gap of one pixel
_FARTHEST = 4  # pixels by which a window may move beyond the picture's own margin
_PROBED = 3  # cells that each window searches
_ALIKE = 0.90  # cosine of descriptors from which a pair is looked at
_KEPT = 8  # candidates of a picture that are compared exactly
_AT_ONCE, _COMPARED = 8192, 2048  # pictures described at once; pairs compared at once, near the caches
# Two pictures are one where the common part correlates and differs, blurred by 3 x 3, by at most so many of 255 levels:
# JPEG errs in fine detail and keeps the coarse, two garments of one cut do not. Measured in benchmarks/audit.py.
_CORRELATED, _RESIDUAL, _COLOUR = 0.95, 3.5, 0.04


class Pair(NamedTuple):
    """Two examples that are copies: the smaller number first, and how well they agree (1: exactly)."""

    first: int
    second: int
    agreement: float


@dataclass(frozen=True)
class _View:
    """Padded grey pictures (N, h + 2 pad, w + 2 pad), and where the window of each begins."""

    pictures: Float32
    top: Ints
    left: Ints
    size: tuple[int, int]

    def moved(self, y: int, x: int) -> _View:
        """Return the same pictures with every window moved by so many pixels, as far as the padding goes."""
        last_y, last_x = (full - part for full, part in zip(self.pictures.shape[1:], self.size, strict=True))
        return _View(self.pictures, np.clip(self.top + y, 0, last_y), np.clip(self.left + x, 0, last_x), self.size)

    def windows(self, rows: Ints, y: int = 0, x: int = 0) -> Float32:
        """Return the windows of some pictures, moved by so many pixels, (rows, height, width)."""
        every = sliding_window_view(self.pictures, self.size, axis=(1, 2))
        last_y, last_x = every.shape[1] - 1, every.shape[2] - 1
        found: Float32 = every[rows, np.clip(self.top[rows] + y, 0, last_y), np.clip(self.left[rows] + x, 0, last_x)]
        return found


def near_copies(pictures: Array) -> list[Pair]:
    """Find pictures that are shifted, mirrored or re-encoded copies of one another.

    Shifts of up to a ninth of the side are covered; pictures of less than 16 pixels a side, and flat ones, are not.

    Args:
        pictures: (N, H, W, C) uint8.
    Returns:
        pairs, each once, in the order of their numbers; exact copies among them.
    """
    count, height, width = pictures.shape[:3]
    if count < 2 or min(height, width) < SMALLEST:
        return []
    grey, colour = _reduce(pictures)
    margin = max(_STEP + 1, round(min(grey.shape[1:]) / 9))
    size = (grey.shape[1] - 2 * margin, grey.shape[2] - 2 * margin)
    padded = np.pad(grey, ((0, 0), (_FARTHEST, _FARTHEST), (_FARTHEST, _FARTHEST)), mode="edge")
    upright, mirrored = padded, np.ascontiguousarray(padded[:, :, ::-1])
    middle = margin + _FARTHEST

    def fixed(pictures: Float32, y: int, x: int) -> _View:
        return _View(pictures, np.full(count, middle + y), np.full(count, middle + x), size)

    steps = range(-_STEP, _STEP + 1, _STEP)
    moved = [fixed(way, y, x) for way in (upright, mirrored) for y in steps for x in steps]
    objects = [_centred(way, size) for way in (upright, mirrored)]
    centred = [view.moved(y, x) for view in objects for y, x in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))]
    found: dict[tuple[int, int], float] = {}
    for home, askers in ((fixed(upright, 0, 0), moved), (objects[0], centred)):
        for pair in _confirm(home, askers, _candidates(home, askers), colour):
            key = (pair.first, pair.second)
            found[key] = max(found.get(key, 0.0), pair.agreement)
    return [Pair(*key, found[key]) for key in sorted(found)]


def _reduce(pictures: Array) -> tuple[Float32, Float32]:
    """Return grey pictures of at most 40 pixels a side, averaged from blocks, and the shares of each colour (N, C)."""
    count, height, width, channels = pictures.shape
    every = -(-max(height, width) // _SIDE)
    rows, columns = height // every, width // every
    grey = np.empty((count, rows, columns), dtype=np.float32)
    colour = np.empty((count, channels), dtype=np.float32)
    for start in range(0, count, _AT_ONCE):
        block = pictures[start : start + _AT_ONCE, : rows * every, : columns * every]
        tiles = block.reshape(len(block), rows, every, columns, every, channels)
        grey[start : start + _AT_ONCE] = tiles.mean(axis=(2, 4, 5), dtype=np.float32)
        colour[start : start + _AT_ONCE] = block.mean(axis=(1, 2), dtype=np.float32)
    return grey, colour / np.maximum(colour.sum(axis=1, keepdims=True), 1.0)


def _centred(pictures: Float32, size: tuple[int, int]) -> _View:
    """Put the window around the centre of what differs from the border, so that it moves with an object."""
    border = np.concatenate([pictures[:, 0], pictures[:, -1], pictures[:, :, 0], pictures[:, :, -1]], axis=1)
    mass = np.abs(pictures - np.median(border, axis=1)[:, None, None]) + 1e-3
    total = mass.sum(axis=(1, 2))
    places = []
    for axis in (1, 2):
        along = mass.sum(axis=3 - axis) @ np.arange(pictures.shape[axis], dtype=np.float32) / total
        first = np.floor(along - size[axis - 1] / 2 + 0.5).astype(np.int64)
        places.append(np.clip(first, 0, pictures.shape[axis] - size[axis - 1]))
    return _View(pictures, places[0], places[1], size)


def _describe(view: _View, basis: Float32) -> Float32:
    """Return (N, frequencies) of unit length."""
    found = np.empty((len(view.pictures), basis.shape[1]), dtype=np.float32)
    for start in range(0, len(found), _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, len(found)))
        found[rows] = view.windows(rows).reshape(len(rows), -1) @ basis
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6)
    return found


def _basis(height: int, width: int) -> Float32:
    """Return (pixels, frequencies): the low frequencies of the DCT without the mean."""
    down, across = (
        np.cos(np.pi * np.outer(np.arange(size) + 0.5, np.arange(_ORDER)) / size) for size in (height, width)
    )
    both = np.einsum("yu,xv->yxuv", down, across).reshape(height * width, -1)[:, 1:]
    basis: Float32 = (both / np.linalg.norm(both, axis=0)).astype(np.float32)
    return basis


def _cells(middles: Float32) -> Float32:
    """Return centres of about sqrt(N) cells: a few rounds of k-means with cosine on a sample."""
    generator = np.random.default_rng(0)
    count = max(1, round(math.sqrt(len(middles))))
    sample = middles[generator.permutation(len(middles))[: 40 * count]]
    centres = sample[:count].copy()
    for _ in range(5):
        nearest = (sample @ centres.T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, sample)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-9), centres).astype(np.float32)
    return centres


def _candidates(home: _View, askers: list[_View]) -> Array:
    """Return rows (member, asker, number of the asker's view), the best few of each asker."""
    basis = _basis(*home.size)
    middles = _describe(home, basis)
    centres = _cells(middles)
    cell_of = (middles @ centres.T).argmax(axis=1)
    order = np.argsort(cell_of, kind="stable")
    bounds = np.searchsorted(cell_of[order], np.arange(len(centres) + 1))

    def ask(view: _View) -> tuple[Array, Float32]:
        return _nearest(_describe(view, basis), middles[order], centres, order, bounds)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask, askers))
    rows = np.concatenate([np.column_stack([found, np.full(len(found), n)]) for n, (found, _) in enumerate(answers)])
    alike = np.concatenate([alike for _, alike in answers])
    best = np.lexsort((-alike, rows[:, 1]))
    rows = rows[best]
    starts = np.flatnonzero(np.diff(rows[:, 1], prepend=-1))
    rank = np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
    chosen: Array = rows[rank < _KEPT]
    return chosen


def _nearest(asked: Float32, middles: Float32, centres: Float32, order: Ints, bounds: Ints) -> tuple[Array, Float32]:
    """Return (member, asker) and their cosine: the nearest two in each probed cell, from 0.9 on, never oneself."""
    probed = np.argpartition(-(asked @ centres.T), min(_PROBED, len(centres) - 1), axis=1)[:, :_PROBED]
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    flat, who = probed.ravel(), np.repeat(np.arange(len(asked)), probed.shape[1])
    by_cell = np.argsort(flat, kind="stable")
    ends = np.searchsorted(flat[by_cell], np.arange(len(centres) + 1))
    rows, alike = [np.empty((0, 2), dtype=np.int64)], [np.empty(0, dtype=np.float32)]
    for cell in range(len(centres)):
        askers, low, high = who[by_cell[ends[cell] : ends[cell + 1]]], bounds[cell], bounds[cell + 1]
        if not len(askers) or low == high:
            continue
        cosine = asked[askers] @ middles[low:high].T
        own = np.flatnonzero((place[askers] >= low) & (place[askers] < high))
        cosine[own, place[askers[own]] - low] = -1
        for _ in range(2):
            best = cosine.argmax(axis=1)
            value = cosine[np.arange(len(askers)), best]
            keep = value >= _ALIKE
            rows.append(np.column_stack([order[low + best[keep]], askers[keep]]))
            alike.append(value[keep])
            cosine[np.arange(len(askers)), best] = -1
    return np.concatenate(rows), np.concatenate(alike)


def _confirm(home: _View, askers: list[_View], candidates: Array, colour: Float32) -> Iterator[Pair]:
    """Lay each candidate over its partner at the nine neighbouring positions: coarsely first, then pixel by pixel."""
    near = np.abs(colour[candidates[:, 0]] - colour[candidates[:, 1]]).max(axis=1) <= _COLOUR
    candidates = candidates[near]
    blocks = []
    for number, view in enumerate(askers):
        ours = candidates[candidates[:, 2] == number]
        blocks += [(view, ours[start : start + _COMPARED]) for start in range(0, len(ours), _COMPARED)]
    with ThreadPoolExecutor(2) as pool:
        for pairs in pool.map(lambda block: _compare(home, *block), blocks):
            yield from pairs


def _compare(home: _View, view: _View, rows: Array) -> list[Pair]:
    """Return which of (member, asker) are copies."""
    member, asker = rows[:, 0], rows[:, 1]
    fixed = home.windows(member)
    blurred, coarse = _blur(fixed), _coarse(fixed)
    least = np.full(len(rows), np.inf, dtype=np.float32)
    shift = np.zeros((len(rows), 2), dtype=np.int64)
    for y in (-1, 0, 1):
        for x in (-1, 0, 1):
            error = ((_coarse(view.windows(asker, y, x)) - coarse) ** 2).mean(axis=(1, 2))
            better = error < least
            least[better], shift[better] = error[better], (y, x)
    found = []
    for y, x in np.unique(shift, axis=0).tolist():
        here = np.flatnonzero((shift == (y, x)).all(axis=1) & (least <= 2 * _RESIDUAL**2))
        other = view.windows(asker[here], y, x)
        residual = np.sqrt(((_blur(other) - blurred[here]) ** 2).mean(axis=(1, 2)))
        agreement = (_unit(fixed[here]) * _unit(other)).sum(axis=1)
        for i in np.flatnonzero((residual <= _RESIDUAL) & (agreement >= _CORRELATED)):
            pair = sorted((int(member[here[i]]), int(asker[here[i]])))
            found.append(Pair(pair[0], pair[1], min(float(agreement[i]), 1.0)))
    return found


def _blur(parts: Float32) -> Float32:
    """Average every 3 x 3 pixels."""
    rows = parts[:, :-2] + parts[:, 1:-1] + parts[:, 2:]
    blurred: Float32 = (rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]) / 9
    return blurred


def _coarse(parts: Float32) -> Float32:
    """Average tiles of 3 x 3 pixels; slices are several times faster here than a mean over axes."""
    height, width = parts.shape[1] // 3 * 3, parts.shape[2] // 3 * 3
    rows = parts[:, 0:height:3] + parts[:, 1:height:3] + parts[:, 2:height:3]
    tiles: Float32 = (rows[:, :, 0:width:3] + rows[:, :, 1:width:3] + rows[:, :, 2:width:3]) / 9
    return tiles


def _unit(parts: Float32) -> Float32:
    """Return (N, pixels) without mean, of unit length; what is flat becomes nearly 0 and agrees with nothing."""
    flat = parts.reshape(len(parts), math.prod(parts.shape[1:]))
    flat = flat - flat.mean(axis=1, keepdims=True)
    unit: Float32 = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 10.0)
    return unit
