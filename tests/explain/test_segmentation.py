"""A mask from saliency (docs/curriculum.md, L5)."""

from __future__ import annotations

import numpy as np

from trainwell.explain import segment


def test_an_object_of_its_own_colour_is_cut_out() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(40, 60, (32, 32, 3)).astype(np.uint8)
    truth = np.zeros((32, 32), bool)
    truth[8:20, 10:24] = True
    image[truth] = rng.integers(190, 215, (int(truth.sum()), 3))
    saliency = rng.random((32, 32)) * 0.2
    saliency[10:18, 13:21] += 1.0  # the map knows the middle of the object only
    mask = segment(image, saliency)
    assert (mask & truth).sum() / (mask | truth).sum() > 0.95
