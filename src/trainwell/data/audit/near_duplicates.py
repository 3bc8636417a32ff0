"""Near-duplicate images: shifted, mirrored, re-encoded or resized, so that no byte may agree.

1. Every image is converted to greyscale at 40 pixels or less. The low frequencies (DCT) of a window describe it, each
   in units of its change by a quarter of a pixel and JPEG: if two windows show the same, a near-duplicate is within a
   few units of its source, and hardly anything else is.
2. Central windows at four neighbouring positions are indexed, and queried with windows two pixels apart: together they
   match every shift of up to three pixels exactly. The same with windows around the centre of mass, for objects that
   moved farther; and mirrored, where the odd horizontal frequencies change their sign. Only a few of about sqrt(N)
   cells are searched (an inverted file, Jégou, Douze and Schmid 2011), so that 60,000 images take seconds.
3. Each candidate pair is aligned and compared pixel by pixel.
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

from trainwell.data.values.missing import Array

Float32 = NDArray[np.float32]
Ints = NDArray[np.int64]

SMALLEST = 16  # minimum side in pixels: smaller images are too similar to find near-duplicates
_SIDE = 40  # larger images are downsampled to this side
_ORDER = 5  # frequencies each way
_PLACES = ((0, 0), (0, 1), (1, 0), (1, 1))  # of the indexed windows; those of queries lie two pixels apart
_FARTHEST = 4  # pixels by which a window may move beyond the image's own margin
_PROBED = 3  # cells that each window searches
_NEAR = 16.0  # units of _scale within which a pair is a candidate: half a pixel is about 10
_ENCODED = 3.0  # levels by which JPEG moves a frequency of 28 x 28 pixels (benchmarks/audit.py)
_KEPT = 4  # candidates of an image that are compared exactly
_AT_ONCE = 8192  # images described at once
_COMPARED = 2048  # pairs per block, to fit into the caches
_LARGEST = 1 << 22  # size of a block of distances: bounds memory with many duplicates of one image
# Two images are near-duplicates if their common part correlates, and differs little once it is blurred by 3 x 3:
# JPEG changes fine detail and keeps the coarse, two garments of one cut do not. Measured in benchmarks/audit.py.
_CORRELATED = 0.95  # minimum correlation
_RESIDUAL = 3.5  # maximum root mean squared difference, of 255 levels
_COLOUR = 0.04  # maximum difference of a colour's fraction


class Pair(NamedTuple):
    """Two duplicates: the smaller index first, and their agreement (1: exact)."""

    first: int
    second: int
    agreement: float


@dataclass(frozen=True)
class _View:
    """Padded greyscale images (N, h + 2 pad, w + 2 pad), and the position of each window."""

    images: Float32
    top: Ints
    left: Ints
    size: tuple[int, int]

    def windows(self, rows: Ints, y: Ints | int = 0, *, x: Ints | int = 0) -> Float32:
        """Return the windows of some images, shifted by y and x pixels, (rows, height, width)."""
        every = sliding_window_view(self.images, self.size, axis=(1, 2))
        last_y = every.shape[1] - 1
        last_x = every.shape[2] - 1
        found: Float32 = every[rows, np.clip(self.top[rows] + y, 0, last_y), np.clip(self.left[rows] + x, 0, last_x)]
        return found


class _Candidates(NamedTuple):
    """Pairs of similar windows: the query's, mirrored or not, is shifted by y and x from the member's."""

    member: Ints
    query: Ints
    mirrored: Ints
    y: Ints
    x: Ints

    def take(self, rows: Array | slice) -> _Candidates:
        return _Candidates(*(column[rows] for column in self))


def near_duplicates(images: Array) -> list[Pair]:
    """Find images that are equal up to a shift, mirroring or another encoding.

    Shifts of up to a ninth of the side are covered; images of less than 16 pixels a side, and flat ones, are not.

    Args:
        images: (N, H, W, C) uint8.
    Returns:
        pairs, each once, in the order of their indices, including exact duplicates.
    """
    count, height, width = images.shape[:3]
    if count < 2 or min(height, width) < SMALLEST:
        return []
    grey, colour = _reduce(images)
    varied = np.flatnonzero(np.ptp(grey, axis=(1, 2)) > 1)
    grey = grey[varied]
    colour = colour[varied]
    if len(varied) < 2:
        return []
    margin = max(3, round(min(grey.shape[1:]) / 9))
    size = (grey.shape[1] - 2 * margin, grey.shape[2] - 2 * margin)
    padded = np.pad(grey, ((0, 0), (_FARTHEST, _FARTHEST), (_FARTHEST, _FARTHEST)), mode="edge")
    middle = np.full(len(varied), margin + _FARTHEST)
    steps = (-2, 0, 2)
    searches = (
        (_View(padded, middle, middle, size), tuple((y, x) for y in steps for x in steps)),
        (_centred(padded, size), ((0, 0),)),
    )
    found: dict[tuple[int, int], float] = {}
    for view, places in searches:
        for pair in _confirm(view, _candidates(view, places), colour=colour):
            key = (int(varied[pair.first]), int(varied[pair.second]))
            found[key] = max(found.get(key, 0.0), pair.agreement)
    return [Pair(*key, found[key]) for key in sorted(found)]


def _reduce(images: Array) -> tuple[Float32, Float32]:
    """Return greyscale images of at most 40 x 40 pixels, averaged over blocks, and colour fractions (N, C)."""
    count, height, width, channels = images.shape
    every = -(-max(height, width) // _SIDE)
    rows = height // every
    columns = width // every
    grey = np.empty((count, rows, columns), dtype=np.float32)
    colour = np.empty((count, channels), dtype=np.float32)
    for start in range(0, count, _AT_ONCE):
        block = images[start : start + _AT_ONCE, : rows * every, : columns * every]
        tiles = block.reshape(len(block), rows, every, columns, every, channels)
        grey[start : start + _AT_ONCE] = tiles.mean(axis=(2, 4, 5), dtype=np.float32)
        colour[start : start + _AT_ONCE] = block.mean(axis=(1, 2), dtype=np.float32)
    return grey, colour / np.maximum(colour.sum(axis=1, keepdims=True), 1.0)


def _centred(images: Float32, size: tuple[int, int]) -> _View:
    """Centre the window on what differs from the border, so that it moves with an object."""
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    mass = np.abs(images - np.median(border, axis=1)[:, None, None]) + 1e-3
    total = mass.sum(axis=(1, 2))
    places = []
    for axis in (1, 2):
        along = mass.sum(axis=3 - axis) @ np.arange(images.shape[axis], dtype=np.float32) / total
        first = np.floor(along - size[axis - 1] / 2 + 0.5).astype(np.int64)
        places.append(np.clip(first, 0, images.shape[axis] - size[axis - 1]))
    return _View(images, places[0], places[1], size)


def _describe(view: _View, basis: Float32, *, y: int, x: int) -> Float32:
    """Return (N, frequencies) of the windows shifted by y and x pixels."""
    found = np.empty((len(view.images), basis.shape[1]), dtype=np.float32)
    for start in range(0, len(found), _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, len(found)))
        found[rows] = view.windows(rows, y, x=x).reshape(len(rows), -1) @ basis
    return found


def _basis(height: int, width: int) -> Float32:
    """Return (pixels, frequencies): the low frequencies of the DCT, the horizontal ones innermost."""
    down, across = (
        np.cos(np.pi * np.outer(np.arange(size) + 0.5, np.arange(_ORDER)) / size) for size in (height, width)
    )
    both = np.einsum("yu,xv->yxuv", down, across).reshape(height * width, -1)
    basis: Float32 = (both / np.linalg.norm(both, axis=0)).astype(np.float32)
    return basis


def _scale(view: _View, basis: Float32) -> Float32:
    """Return the change of each frequency by a shift of a quarter of a pixel and by JPEG."""
    few = (
        view
        if len(view.top) <= _AT_ONCE
        else _View(view.images[:_AT_ONCE], view.top[:_AT_ONCE], view.left[:_AT_ONCE], view.size)
    )
    here = _describe(few, basis, y=0, x=0)
    changes = [((_describe(few, basis, y=y, x=x) - here) ** 2).mean(axis=0) for y, x in ((0, 1), (1, 0))]
    scale: Float32 = np.sqrt(_ENCODED**2 + sum(changes) / 32)
    return scale


def _cells(middles: Float32) -> Float32:
    """Return centres of about sqrt(N) cells: a few rounds of k-means on a sample."""
    generator = np.random.default_rng(0)
    count = max(1, round(math.sqrt(len(middles))))
    sample = middles[generator.permutation(len(middles))[: 40 * count]]
    centres = sample[:count].copy()
    for _ in range(5):
        nearest = (_one(sample) @ _half(centres).T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, sample)
        members = np.bincount(nearest, minlength=count)[:, None]
        centres = np.where(members > 0, sums / np.maximum(members, 1), centres).astype(np.float32)
    return centres


def _one(points: Float32) -> Float32:
    """Append a 1, so that the product with `_half` of others orders them by distance, nearest first."""
    return np.column_stack([points, np.ones(len(points), np.float32)])


def _half(points: Float32) -> Float32:
    """Append minus half the squared length: a . b - b . b / 2 is largest where b lies nearest to a."""
    return np.column_stack([points, -0.5 * (points * points).sum(axis=1)])


@dataclass(frozen=True)
class _Index:
    """Described windows, sorted by cell: cell c holds points bounds[c] to bounds[c + 1]."""

    points: Float32
    centres: Float32
    order: Ints
    bounds: Ints
    place: Ints


def _index(points: Float32) -> _Index:
    centres = _half(_cells(points))
    cell_of = np.concatenate(
        [
            (_one(points[start : start + _AT_ONCE]) @ centres.T).argmax(axis=1)
            for start in range(0, len(points), _AT_ONCE)
        ]
    )
    order = np.argsort(cell_of, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return _Index(
        points=_half(points[order]),
        centres=centres,
        order=order,
        bounds=np.searchsorted(cell_of[order], np.arange(len(centres) + 1)),
        place=place,
    )


def _candidates(view: _View, places: tuple[tuple[int, int], ...]) -> _Candidates:
    """Return the nearest few windows of each query, each pair once."""
    basis = _basis(*view.size)
    scale = _scale(view, basis)
    count = len(view.top)
    index = _index(np.concatenate([_describe(view, basis, y=y, x=x) / scale for y, x in _PLACES]))
    odd = np.where(np.arange(basis.shape[1]) % _ORDER % 2, -1, 1).astype(np.float32)

    def query(place: tuple[int, int]) -> list[tuple[Array, Float32]]:
        y, x = place
        asked = _describe(view, basis, y=y, x=x) / scale
        both = (_nearest(asked, index), _nearest(asked * odd, index))
        shifts = [np.array([[y - b, (-x if mirrored else x) - a] for b, a in _PLACES]) for mirrored in (0, 1)]
        return [
            (
                np.column_stack(
                    [found[:, 0] % count, found[:, 1], np.full(len(found), mirrored), shift[found[:, 0] // count]]
                ),
                far,
            )
            for mirrored, ((found, far), shift) in enumerate(zip(both, shifts, strict=True))
        ]

    with ThreadPoolExecutor(2) as pool:
        answers = [answer for part in pool.map(query, places) for answer in part]
    rows = np.concatenate([rows for rows, _ in answers])
    far = np.concatenate([far for _, far in answers])
    ends = np.sort(rows[:, :2], axis=1)
    nearest = np.argsort(far, kind="stable")
    first = nearest[np.unique((ends[:, 0] * count + ends[:, 1])[nearest], return_index=True)[1]]
    rows = rows[first]
    far = far[first]
    best = np.lexsort((far, rows[:, 1]))
    starts = np.flatnonzero(np.diff(rows[best, 1], prepend=-1))
    rank = np.arange(len(best)) - np.repeat(starts, np.diff(np.append(starts, len(best))))
    return _Candidates(*rows[best][rank < _KEPT].T)


def _nearest(asked: Float32, index: _Index) -> tuple[Array, Float32]:
    """Return (window, query) and their squared distance: the nearest two in each probed cell, itself excluded."""
    count = len(asked)
    lengths = (asked * asked).sum(axis=1)
    asked = _one(asked)
    probed = np.empty((count, min(_PROBED, len(index.centres))), dtype=np.int64)
    for start in range(0, count, _AT_ONCE):
        similarity = asked[start : start + _AT_ONCE] @ index.centres.T
        for column in range(probed.shape[1]):
            probed[start : start + _AT_ONCE, column] = best = similarity.argmax(axis=1)
            similarity[np.arange(len(best)), best] = -np.inf
    flat = probed.ravel()
    who = np.repeat(np.arange(count), probed.shape[1])
    by_cell = np.argsort(flat, kind="stable")
    ends = np.searchsorted(flat[by_cell], np.arange(len(index.centres) + 1))
    rows = [np.empty((0, 2), dtype=np.int64)]
    far = [np.empty(0, dtype=np.float32)]
    for cell in np.flatnonzero(np.diff(index.bounds)):
        low, high = index.bounds[cell : cell + 2]
        all_queries = who[by_cell[ends[cell] : ends[cell + 1]]]
        for start in range(0, len(all_queries), step := max(1, _LARGEST // int(high - low))):
            queries = all_queries[start : start + step]
            similarity = asked[queries] @ index.points[low:high].T
            for own in range(0, len(index.place), count):
                place = index.place[own + queries]
                inside = np.flatnonzero((place >= low) & (place < high))
                similarity[inside, place[inside] - low] = -np.inf
            for _ in range(2):
                best = similarity.argmax(axis=1)
                distance = lengths[queries] - 2 * similarity[np.arange(len(queries)), best]
                keep = distance <= _NEAR**2
                rows.append(np.column_stack([index.order[low + best[keep]], queries[keep]]))
                far.append(distance[keep])
                similarity[np.arange(len(queries)), best] = -np.inf
    return np.concatenate(rows), np.concatenate(far)


def _confirm(view: _View, candidates: _Candidates, *, colour: Float32) -> Iterator[Pair]:
    """Align each pair at the nine neighbouring positions, coarsely first, and compare them pixel by pixel."""
    near = np.abs(colour[candidates.member] - colour[candidates.query]).max(axis=1) <= _COLOUR
    candidates = candidates.take(near)
    blocks = []
    for mirrored in (0, 1):
        ours = candidates.take(candidates.mirrored == mirrored)
        blocks += [ours.take(slice(start, start + _COMPARED)) for start in range(0, len(ours.member), _COMPARED)]
    with ThreadPoolExecutor(2) as pool:
        for pairs in pool.map(lambda block: _compare(view, block), blocks):
            yield from pairs


def _compare(view: _View, rows: _Candidates) -> list[Pair]:
    """Return which candidates are near-duplicates; either all queries are mirrored, or none."""
    fixed = view.windows(rows.member)
    blurred = _blur(fixed)
    coarse = _coarse(fixed)
    mirrored = bool(rows.mirrored[0])

    def other(chosen: Array | slice, y: Ints | int, x: Ints | int) -> Float32:
        part = rows.take(chosen)
        across = part.x + x
        found = view.windows(part.query, part.y + y, x=-across if mirrored else across)
        return found[:, :, ::-1] if mirrored else found

    least = np.full(len(rows.member), np.inf, dtype=np.float32)
    shift = np.zeros((len(rows.member), 2), dtype=np.int64)
    for y in (-1, 0, 1):
        for x in (-1, 0, 1):
            error = ((_coarse(other(slice(None), y, x)) - coarse) ** 2).mean(axis=(1, 2))
            better = error < least
            least[better] = error[better]
            shift[better] = (y, x)
    here = np.flatnonzero(least <= 2 * _RESIDUAL**2)
    laid = other(here, shift[here, 0], shift[here, 1])
    residual = np.sqrt(((_blur(laid) - blurred[here]) ** 2).mean(axis=(1, 2)))
    agreement = (_unit(fixed[here]) * _unit(laid)).sum(axis=1)
    found = []
    for i in np.flatnonzero((residual <= _RESIDUAL) & (agreement >= _CORRELATED)):
        pair = sorted((int(rows.member[here[i]]), int(rows.query[here[i]])))
        found.append(Pair(pair[0], pair[1], min(float(agreement[i]), 1.0)))
    return found


def _blur(parts: Float32) -> Float32:
    """Average every 3 x 3 pixels."""
    rows = parts[:, :-2] + parts[:, 1:-1] + parts[:, 2:]
    blurred: Float32 = (rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]) / 9
    return blurred


def _coarse(parts: Float32) -> Float32:
    """Average tiles of 3 x 3 pixels; slices are several times faster here than a mean over axes."""
    height = parts.shape[1] // 3 * 3
    width = parts.shape[2] // 3 * 3
    rows = parts[:, 0:height:3] + parts[:, 1:height:3] + parts[:, 2:height:3]
    tiles: Float32 = (rows[:, :, 0:width:3] + rows[:, :, 1:width:3] + rows[:, :, 2:width:3]) / 9
    return tiles


def _unit(parts: Float32) -> Float32:
    """Return (N, pixels) with mean 0 and unit norm; constant images become nearly 0 and match nothing."""
    flat = parts.reshape(len(parts), math.prod(parts.shape[1:]))
    flat = flat - flat.mean(axis=1, keepdims=True)
    unit: Float32 = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 10.0)
    return unit
