from __future__ import annotations

import numpy as np
import pytest

from trainwell.data.statistics.affine import affine, first_stage, pixel_affine


@pytest.mark.parametrize(
    ("method", "expected"),
    [("standardise", (2.0, 1.0)), ("none", (0.0, 1.0)), ("centre", (2.0, 1.0)), ("scale", (0.0, 1.0))],
)
def test_numbers_of_each_method(method: str, expected: tuple[float, float]) -> None:
    assert affine(np.array([1.0, 3.0, 1.0, 3.0]), method) == expected


@pytest.mark.parametrize("method", ["standardise", "centre", "scale", "min_max"])
def test_a_constant_is_divided_by_nothing(method: str) -> None:
    assert affine(np.full(4, 7.0), method)[1] == 0.0


@pytest.mark.parametrize("method", ["standardise", "min_max", "centre", "none"])
def test_pixels_are_counted_as_exactly_as_they_are_summed(method: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 5, 4, 3), dtype=np.uint8)
    rows = np.arange(0, 30, 2)
    means, stds = pixel_affine(images, rows, method=method)
    for channel in range(3):
        mean, std = affine(images[rows, ..., channel] / 255, method)
        assert means[channel] == pytest.approx(mean, rel=1e-12) and stds[channel] == pytest.approx(std, rel=1e-12)


def test_names_of_the_literature() -> None:
    assert [first_stage(name) for name in ("channel_mean", "mean_image", "scale")] == ["centre", "none", "scale"]
