"""docs/curriculum.md, E1."""

from __future__ import annotations

import pytest

from trainwell.lab.critical_rate import critical_rate


def test_the_limit_is_two_over_the_largest_curvature() -> None:
    assert critical_rate() == pytest.approx(2 / 20, abs=1e-6)
