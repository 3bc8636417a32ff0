"""From a saliency map to a mask of the object, without any label of a pixel (curriculum L5)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Simonyan, Vedaldi, Zisserman 2014, section 3.2: pixels above the 95 % quantile are surely the object's, those below
# the 30 % quantile surely the background's.
_OBJECT, _BACKGROUND = 0.95, 0.30
_COLOURS = 3  # normal distributions in each mixture
_ROUNDS, _PULL = 8, 1.0  # smoothing: sweeps, and nats for each neighbour that agrees


def segment(picture: NDArray[np.uint8], saliency: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which pixels belong to the object.

    Mixtures of normal distributions describe the colours of the most and of the least salient pixels; each pixel goes
    to the likelier one, with a pull towards its neighbours (the paper cuts a graph; here iterated conditional modes,
    Besag 1986, minimise the same kind of energy approximately).

    Args:
        picture: (height, width, channels) uint8.
        saliency: (height, width), not negative.
    Returns:
        (height, width) bool.

    >>> picture = np.zeros((8, 8, 1), np.uint8)
    >>> picture[2:5, 2:5] = 200
    >>> segment(picture, picture[..., 0].astype(float)).sum()
    np.int64(9)
    """
    from sklearn.mixture import GaussianMixture

    height, width = saliency.shape
    # A pixel's saliency is noisy: its neighbours have a say.
    smooth = np.mean([_shifted(saliency, dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=0)
    colours = picture.reshape(height * width, -1) / 255.0
    order = np.argsort(smooth.reshape(-1), kind="stable")
    few = max(2 * _COLOURS, round((1 - _OBJECT) * len(order)))
    sure = {True: order[-few:], False: order[: max(few, round(_BACKGROUND * len(order)))]}
    likely = {}
    for side, pixels in sure.items():
        kinds = min(_COLOURS, len(np.unique(colours[pixels], axis=0)))
        mixture = GaussianMixture(kinds, random_state=0, reg_covar=1e-3).fit(colours[pixels])
        likely[side] = mixture.score_samples(colours).reshape(height, width)
    ratio = likely[True] - likely[False]
    mask: NDArray[np.bool_] = ratio > 0
    for _ in range(_ROUNDS):
        votes = sum(_shifted(mask * 2.0 - 1, dy, dx) for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)))
        mask = ratio + _PULL * votes > 0
    return mask


def _shifted(values: NDArray[Any], dy: int, dx: int) -> NDArray[Any]:
    """Move an array by a pixel, repeating its border."""
    padded = np.pad(values, 1, mode="edge")
    moved: NDArray[Any] = padded[1 + dy : 1 + dy + values.shape[0], 1 + dx : 1 + dx + values.shape[1]]
    return moved
