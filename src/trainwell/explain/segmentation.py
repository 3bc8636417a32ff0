"""Segmentation of the object from a saliency map, without labels of pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Simonyan, Vedaldi, Zisserman 2014, section 3.2: pixels above the 95 % quantile belong to the object, those below the
# 30 % quantile to the background.
_OBJECT = 0.95
_BACKGROUND = 0.30
_COLOURS = 3  # normal distributions in each mixture
_ROUNDS = 8  # of smoothing
_AGREEMENT = 1.0  # nats for each neighbour with the same label


def segment(image: NDArray[np.uint8], saliency: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which pixels belong to the object.

    Mixtures of normal distributions are fitted to the colours of the most and of the least salient pixels; each pixel
    gets the label of the likelier mixture, with a term for neighbours of the same label. (The paper uses a graph cut;
    iterated conditional modes, Besag 1986, minimise the same kind of energy approximately.)

    Args:
        image: (height, width, channels) uint8.
        saliency: (height, width), not negative.
    Returns:
        (height, width) bool.

    >>> image = np.zeros((8, 8, 1), np.uint8)
    >>> image[2:5, 2:5] = 200
    >>> segment(image, image[..., 0].astype(float)).sum()
    np.int64(9)
    """
    from sklearn.mixture import GaussianMixture

    height, width = saliency.shape
    # The saliency of single pixels is noisy: average it over the neighbours.
    smooth = np.mean([_shifted(saliency, dy, dx=dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=0)
    colours = image.reshape(height * width, -1) / 255.0
    order = np.argsort(smooth.reshape(-1), kind="stable")
    few = max(2 * _COLOURS, round((1 - _OBJECT) * len(order)))
    seeds = {True: order[-few:], False: order[: max(few, round(_BACKGROUND * len(order)))]}
    likely = {}
    for side, pixels in seeds.items():
        kinds = min(_COLOURS, len(np.unique(colours[pixels], axis=0)))
        mixture = GaussianMixture(kinds, random_state=0, reg_covar=1e-3).fit(colours[pixels])
        likely[side] = mixture.score_samples(colours).reshape(height, width)
    ratio = likely[True] - likely[False]
    mask: NDArray[np.bool_] = ratio > 0
    for _ in range(_ROUNDS):
        votes = sum(_shifted(mask * 2.0 - 1, dy, dx=dx) for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)))
        mask = ratio + _AGREEMENT * votes > 0
    return mask


def _shifted(values: NDArray[Any], dy: int, *, dx: int) -> NDArray[Any]:
    """Shift an array by a pixel, repeating its border."""
    padded = np.pad(values, 1, mode="edge")
    moved: NDArray[Any] = padded[1 + dy : 1 + dy + values.shape[0], 1 + dx : 1 + dx + values.shape[1]]
    return moved
