"""Learning curves: the power law is found, its interval holds, and subsets are fair (docs/curriculum.md, B9)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell.core.errors import UsageError
from trainwell.doctor import learning_curve
from trainwell.doctor.experiments.learning_curve import extrapolate, fit_power_law, nested_order, read_curve
from trainwell.fitting import gather, plan

SIZES = [25, 50, 100, 200, 400, 800]


@given(st.floats(0.1, 1.0), st.floats(0.5, 3.0))
def test_an_exact_power_law_is_found_and_extrapolated(power: float, scale: float) -> None:
    errors = [scale * size**-power for size in SIZES]
    assert fit_power_law(SIZES, errors)[0] == pytest.approx(power)
    assert extrapolate(SIZES, errors, size=3200).error == pytest.approx(scale * 3200**-power)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(0), 0
    for _ in range(300):
        errors = [2 * size**-0.5 * np.exp(0.15 * rng.normal()) for size in SIZES]
        found = extrapolate(SIZES, errors, size=3200)
        held += found.low <= 2 * 3200**-0.5 <= found.high
    assert 0.90 <= held / 300 <= 0.99


@given(st.integers(0, 100), st.integers(1, 59))
def test_every_beginning_has_the_proportions_of_all(seed: int, size: int) -> None:
    classes = np.repeat([0, 1, 2], [30, 20, 10])
    order = nested_order(classes, 60, seed=seed)
    assert sorted(order) == list(range(60))
    for name, share in enumerate((1 / 2, 1 / 3, 1 / 6)):
        assert abs((classes[order[:size]] == name).sum() - share * size) <= 1


def test_what_is_hardly_better_than_guessing_tells_nothing() -> None:
    found = read_curve(SIZES, [0.9, 0.89, 0.88, 0.9, 0.87, 0.86], score_name="accuracy", chance=0.9)
    assert found.power is None and "Too few of these trainings" in found.verdict


def test_a_curve_on_real_data() -> None:
    found = learning_curve(plan(gather("wine", {"train.epochs": 8})), seeds=1)
    assert found.sizes == (31, 62, 124) or len(set(found.sizes)) >= 3
    assert len(found.errors) == len(found.sizes) and found.score_name == "accuracy"
    assert found.extrapolated[0].size == 2 * max(found.sizes)
    assert found.extrapolated[0].low <= found.extrapolated[0].error <= found.extrapolated[0].high


@pytest.mark.parametrize(
    ("edits", "options", "words"),
    [
        ({"data.validation": 0.0}, {}, "validation split"),
        ({"data.validation": 0.45, "data.test": 0.4}, {}, "at least 64 training examples"),
        ({}, {"seeds": 0}, "at least 1 seed"),
    ],
)
def test_what_cannot_be_measured_is_refused(edits, options, words) -> None:
    with pytest.raises(UsageError, match=words):
        learning_curve(plan(gather("iris", edits)), **options)
