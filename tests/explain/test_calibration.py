"""Calibration and top-k error (docs/curriculum.md, L4)."""

from __future__ import annotations

import numpy as np
import pytest

from trainwell.explain import calibration, top_error


def test_a_network_as_right_as_it_is_sure_has_no_error() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1.0, 40_000)
    probabilities = np.stack([sure, 1 - sure], axis=1)
    honest = (rng.random(40_000) > sure).astype(np.int64)
    assert calibration(probabilities, honest).error < 0.01
    assert calibration(probabilities, np.ones(40_000, np.int64)).error == pytest.approx(sure.mean())
    assert sum(calibration(probabilities, honest).counts) == 40_000


def test_top_errors_fall_to_zero() -> None:
    rng = np.random.default_rng(0)
    probabilities, classes = rng.dirichlet(np.ones(6), 200), rng.integers(0, 6, 200)
    errors = [top_error(probabilities, classes, count=count) for count in range(1, 7)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] == np.mean(probabilities.argmax(1) != classes)
    assert errors[-1] == 0
