"""Means and deviations in float64."""

from __future__ import annotations

import numpy as np
import pytest

from trainwell.core.statistics import mean_and_deviation


def test_they_are_numpys() -> None:
    values = np.random.default_rng(0).normal(3, 2, 1000).astype(np.float32)
    mean, deviation = mean_and_deviation(values)
    assert mean == pytest.approx(values.astype(np.float64).mean(), rel=1e-12)
    assert deviation == pytest.approx(values.astype(np.float64).std(), rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_has_no_deviation_whatever_its_rounding(dtype) -> None:
    assert mean_and_deviation(np.full(1000, 0.1, dtype=dtype))[1] == 0.0


def test_a_small_deviation_of_large_numbers_is_one() -> None:
    assert mean_and_deviation(1.7e9 + np.arange(10.0))[1] > 2
