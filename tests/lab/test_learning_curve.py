"""docs/curriculum.md, B9."""

from __future__ import annotations

import pytest

from trainwell.lab.learning_curve import fit_line


def test_an_exact_power_law_is_found_and_extrapolated_without_doubt() -> None:
    sizes = [25, 50, 100, 200]
    power, middle, low, high = fit_line(sizes, [3 * size**-0.5 for size in sizes], size=800)
    assert power == pytest.approx(0.5)
    assert (low, middle, high) == pytest.approx((3 * 800**-0.5,) * 3)


def test_the_interval_widens_with_the_distance() -> None:
    sizes, errors = [25, 50, 100, 200], [0.30, 0.22, 0.13, 0.10]
    widths = [high / low for _, _, low, high in (fit_line(sizes, errors, size=size) for size in (200, 400, 800))]
    assert widths == sorted(widths) and widths[0] > 1
