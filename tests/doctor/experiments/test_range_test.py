"""The range test reads a rate from where the loss falls, or says that there is none (docs/curriculum.md, F2)."""

from __future__ import annotations

import numpy as np
import pytest

import trainwell as tw
from trainwell.core.errors import UsageError
from trainwell.doctor import range_test
from trainwell.doctor.experiments.range_test import read_range, smooth
from trainwell.fitting import gather, plan

RATES = np.geomspace(1e-6, 10, 141)


def valley(falls_at=1e-4, lowest_at=1e-2, breaks_at=0.3) -> np.ndarray:
    fall = np.interp(np.log(RATES), np.log([falls_at, lowest_at]), [2.3, 0.3])
    return np.where(breaks_at < RATES, np.inf, fall)


@pytest.mark.parametrize("shift", [0.1, 1.0, 10.0])
def test_the_rate_lies_in_the_band_and_follows_the_valley(shift: float) -> None:
    curves = np.stack([valley(1e-4 * shift, 1e-2 * shift, 0.3 * shift)] * 3)
    found = read_range(RATES, curves, current=1.0)
    assert found.low < found.suggested < found.high < 1e-2 * shift
    assert found.suggested / shift == pytest.approx(2e-3, rel=0.5)
    assert "diverges at" in found.reason


@pytest.mark.parametrize(
    "curves",
    [np.full((3, 141), 2.3), 2.3 + 0.3 * np.random.default_rng(0).normal(size=(3, 141)), np.full((2, 141), np.inf)],
    ids=["flat", "noise", "broken"],
)
def test_without_a_clear_valley_the_rate_stays(curves) -> None:
    found = read_range(RATES, curves, current=0.02)
    assert found.suggested is None and found.verdict == "no clear minimum: learning rate unchanged (0.02)"


def test_an_explosion_does_not_reach_back() -> None:
    losses = np.where(RATES < 1e-2, valley(), 1e30)
    calm = smooth(losses)
    assert calm[RATES < 9e-3].max() < 2.5
    assert np.isinf(calm[RATES > 1.1e-2]).all()


def test_it_is_seeded_reads_no_test_split_and_its_rate_trains(tmp_path) -> None:
    made = plan(gather("wine", {"optim.name": "sgd"}))
    found = range_test(made, steps=80, seeds=2)
    again = range_test(made, steps=80, seeds=2)
    assert found == again and found.suggested is not None
    run = tw.fit("wine", edits={"optim.name": "sgd", "optim.learning_rate": found.suggested}, runs=tmp_path)
    assert run.scores["validation"]["accuracy"] >= 0.9


def test_equal_units_have_no_valley() -> None:
    assert range_test(plan(gather("iris", {"nn.initialisation": "zeros"})), steps=40, seeds=1).suggested is None


@pytest.mark.parametrize("edits", [{"optim.name": "lbfgs"}, {"optim.name": "rprop"}])
def test_optimizers_without_a_learning_rate_are_refused(edits) -> None:
    with pytest.raises(UsageError, match="computes its own step size"):
        range_test(plan(gather("iris", edits)))


def test_too_few_steps_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 20 steps"):
        range_test(plan(gather("iris", {})), steps=5)
