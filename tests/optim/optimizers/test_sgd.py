"""Descent, momentum and Nesterov momentum equal their formulas over 100 steps."""

from __future__ import annotations

import dataclasses

import pytest


def sgd(w, g, state, r):
    state["v"] = r.momentum * state.get("v", 0) + g
    return w - r.learning_rate * (g + r.momentum * state["v"] if r.nesterov else state["v"])


def momentum(w, g, state, r):
    return sgd(w, g, state, dataclasses.replace(r, nesterov=False))


def nesterov(w, g, state, r):
    return sgd(w, g, state, dataclasses.replace(r, nesterov=True))


@pytest.mark.parametrize("formula", [sgd, momentum, nesterov])
@pytest.mark.parametrize("ahead", [True, False])
def test_a_hundred_steps_equal_the_formula(equals_the_formula, formula, ahead: bool) -> None:
    assert equals_the_formula(formula, name=formula.__name__, nesterov=ahead)


@pytest.mark.parametrize(("rate", "converges"), [(0.0999, True), (0.1001, False)])
def test_plain_descent_converges_exactly_below_one_tenth(on_the_bowl, rate: float, converges: bool) -> None:
    _, net, _ = on_the_bowl(20_000, name="sgd", learning_rate=rate, momentum=0.0)
    assert (net().item() < 1e-12) is converges
