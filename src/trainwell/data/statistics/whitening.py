"""The second stage of a preparation: the mean subtracted from every input, and a rotation that decorrelates or whitens.

With the covariance C = U diag(s) Uᵀ of the training inputs, x becomes

* (x - m) U: decorrelated (PCA); its first k columns are the best k dimensions in the least-squares sense,
* (x - m) U diag(s)^(-1/2): whitened (PCA), covariance 1,
* (x - m) U diag(s)^(-1/2) Uᵀ: whitened (ZCA, Bell and Sejnowski 1997): nearest to x, so images stay recognisable.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainwell.core.errors import DataError
from trainwell.data.values.naming import shorten

Float32 = NDArray[np.float32]
Block = Callable[[NDArray[np.int64]], Float32]

ROTATED = ("decorrelate", "whiten_pca", "whiten_zca")  # methods that need the covariance
FLATTENING = ("decorrelate", "whiten_pca")  # methods whose outputs are no longer positions of the input
MEAN_IMAGE = "mean_image"
_MOST = 4096  # maximum number of inputs: the covariance of more takes seconds and gigabytes
_AT_ONCE = 1024
_NO_VARIANCE = 1e-9  # fraction of the largest variance below which a direction is rounding error


@dataclass(frozen=True)
class LinearTransform:
    """A mean and a matrix, kept as base64 of little-endian float32, so that JSON loses nothing.

    Args:
        mean: (inputs,) subtracted.
        matrix: (inputs, outputs); empty: nothing is rotated.
        outputs: number of outputs.
        kept: fraction of the variance that they keep.
    """

    mean: str
    matrix: str
    outputs: int
    kept: float = 1.0

    def __call__(self, inputs: Float32) -> Float32:
        """Return (N, outputs) float32 for (N, ...) inputs."""
        flat = inputs.reshape(len(inputs), -1)
        mean = _decode(self.mean).astype(np.float64)
        matrix = _decode(self.matrix).reshape(flat.shape[1], -1).astype(np.float64) if self.matrix else None
        out = np.empty((len(flat), self.outputs), dtype=np.float32)
        for start in range(0, len(flat), _AT_ONCE):
            centred = flat[start : start + _AT_ONCE] - mean
            out[start : start + _AT_ONCE] = centred if matrix is None else centred @ matrix
        return out


def fit_transform(
    block: Block, train: NDArray[np.int64], *, method: str, names: tuple[str, ...], components: int = 0
) -> LinearTransform:
    """Fit on the training examples.

    Args:
        block: returns the inputs of some examples after the first stage, (n, ...).
        train: numbers of the training examples.
        method: "mean_image", "decorrelate", "whiten_pca" or "whiten_zca".
        names: names of the inputs, for messages.
        components: dimensions to keep; 0: all.
    Raises:
        DataError: if the statistics cannot be computed: constant inputs, too few examples, too many inputs.

    >>> x = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32) @ np.diag([1, 5, 9]).astype(np.float32)
    >>> whiten = fit_transform(lambda rows: x[rows], np.arange(500), method="whiten_zca", names=("a", "b", "c"))
    >>> np.cov(whiten(x).T, bias=True).round(3) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    width = block(train[:1]).reshape(1, -1).shape[1]
    if method != MEAN_IMAGE:
        _require_enough(method, width=width, examples=len(train), components=components)
    total = np.zeros(width)
    for start in range(0, len(train), _AT_ONCE):
        total += block(train[start : start + _AT_ONCE]).reshape(-1, width).sum(axis=0, dtype=np.float64)
    mean = (total / len(train)).astype(np.float32)
    if method == MEAN_IMAGE:
        return LinearTransform(_encode(mean), "", width)
    covariance = np.zeros((width, width))
    for start in range(0, len(train), _AT_ONCE):
        centred = block(train[start : start + _AT_ONCE]).reshape(-1, width).astype(np.float64) - mean
        covariance += centred.T @ centred
    values, vectors = np.linalg.eigh(covariance / len(train))
    values = values[::-1]
    vectors = vectors[:, ::-1]
    vectors = vectors * np.where(vectors[np.abs(vectors).argmax(axis=0), np.arange(width)] < 0, -1.0, 1.0)
    kept = min(components or width, width)
    if method != "decorrelate":
        _require_variance(method, values, kept=kept, variances=np.diag(covariance), names=names)
    matrix = vectors[:, :kept]
    if method != "decorrelate":
        matrix = matrix / np.sqrt(values[:kept])
    if method == "whiten_zca":
        matrix = matrix @ vectors[:, :kept].T
    share = float(values[:kept].sum() / max(values.sum(), 1e-300))
    return LinearTransform(_encode(mean), _encode(matrix), matrix.shape[1], share)


def _require_enough(method: str, *, width: int, examples: int, components: int) -> None:
    if width > _MOST:
        raise DataError(
            f"data.prepare = {method!r} supports at most {_MOST:,} inputs, got {width:,}. "
            "Reduce data.image_size, or use 'channel_mean_std'."
        )
    wanted = components or width
    if method != "decorrelate" and examples <= wanted:
        raise DataError(
            f"data.prepare = {method!r} needs more training examples than dimensions, got {examples:,} for "
            f"{wanted:,}. Reduce data.components, or use 'standardise'."
        )
    if components > width:
        raise DataError(f"data.components must be at most the number of inputs, {width:,}, got {components:,}.")


def _require_variance(
    method: str, values: NDArray[np.float64], *, kept: int, variances: NDArray[np.float64], names: tuple[str, ...]
) -> None:
    usable = int((values > _NO_VARIANCE * values[0]).sum()) if values[0] > 0 else 0
    if usable >= kept:
        return
    constant = [name for name, variance in zip(names, variances, strict=False) if variance <= 0]
    reason = f"constant in training: {shorten(constant, len(constant))}" if constant else "linear combinations"
    raise DataError(
        f"data.prepare = {method!r} needs linearly independent inputs, but {len(values) - usable:,} of "
        f"{len(values):,} dimensions are not ({reason}). "
        + (f"Set data.components to at most {usable}." if usable else "Choose 'standardise'.")
    )


def _encode(values: NDArray[np.floating]) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")


def _decode(text: str) -> Float32:
    return np.frombuffer(base64.b64decode(text), dtype="<f4")
