"""Schedules are closed forms (docs/curriculum.md, F1)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell.optim import SCHEDULES, rescaled_rate, schedule
from trainwell.recipe.sections import OptimRecipe

STEPS, EPOCHS, RULES = 200, 10, ("linear", "sqrt")
CLOSED = {
    "constant": lambda n: 1.0,
    "linear": lambda n: 1 - n / STEPS,
    "cosine": lambda n: 0.5 * (1 + math.cos(math.pi * n / STEPS)),
    "step": lambda n: 0.5 ** (n // 60),  # every 3 epochs of 20 steps
    "exponential": lambda n: (math.exp(-0.2) ** (1 / 20)) ** n,
    "inverse": lambda n: 1 / (1 + 0.2 * n / 20),
    "inverse_power": lambda n: 1 / math.sqrt(1 + 0.2 * n / 20),
    "inverse_sqrt": lambda n: min(1.0, math.sqrt(20 / max(1, n))),
    "plateau": lambda n: 1.0,  # its drops are no function of the step: tests/train/test_early_stopping.py
}


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_the_closed_form_at_every_step(name: str) -> None:
    recipe = OptimRecipe(
        learning_rate=0.3, schedule=name, warmup=0.0, step_epochs=3.0, step_factor=0.5,
        schedule_decay=0.2, schedule_power=0.5,
    )  # fmt: skip
    rate = schedule(recipe, steps=STEPS, epochs=EPOCHS)
    for step in range(STEPS):
        assert rate(step) == pytest.approx(0.3 * CLOSED[name](step), rel=1e-9)


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_warm_up_rises_and_never_jumps(name: str) -> None:
    recipe = OptimRecipe(learning_rate=1.0, schedule=name, warmup=0.1, step_epochs=5.0)
    rate = schedule(recipe, steps=STEPS, epochs=EPOCHS)
    rates = [rate(step) for step in range(STEPS)]
    assert rates[0] < 0.06
    assert all(b >= a for a, b in zip(rates[:20], rates[1:20], strict=False))
    assert max(abs(b - a) for a, b in zip(rates[:40], rates[1:41], strict=False)) < 0.06


@given(st.sampled_from(list(SCHEDULES)), st.integers(1, 500), st.floats(0, 0.9), st.data())
def test_a_rate_is_a_function_of_the_step_and_stays_within_bounds(name, steps, warmup, data) -> None:
    rate = schedule(OptimRecipe(learning_rate=0.1, schedule=name, warmup=warmup), steps=steps, epochs=3)
    step = data.draw(st.integers(0, steps))
    assert 0 <= rate(step) <= 0.1 + 1e-12
    assert rate(step) == rate(step)


def test_the_law_of_the_transformer() -> None:
    """After w steps of warm-up the rate is its peak times sqrt(w / n), without a jump."""
    rate = schedule(OptimRecipe(learning_rate=1.0, schedule="inverse_sqrt", warmup=0.2), steps=STEPS, epochs=EPOCHS)
    assert rate(160) == pytest.approx(0.5)
    assert rate(40) == pytest.approx(1.0) and rate(39) == pytest.approx(40 / 41)


@given(st.floats(1e-6, 10), st.integers(1, 10**4), st.integers(1, 10**4))
def test_the_rate_follows_the_batch_size(rate, batch, reference) -> None:
    """docs/curriculum.md, F2: k times the batch, k times the rate in practice, sqrt(k) in theory."""
    (linear, warning), (root, _) = (rescaled_rate(rate, batch=batch, reference=reference, rule=rule) for rule in RULES)
    assert linear == pytest.approx(rate * batch / reference)
    assert root * root == pytest.approx(linear * rate)
    assert bool(warning) is (batch > 32 * reference)
