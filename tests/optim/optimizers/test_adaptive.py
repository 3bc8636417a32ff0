"""Adagrad, Adadelta and RMSProp equal their formulas over 100 steps."""

from __future__ import annotations

import pytest
import torch


def adagrad(w, g, state, r):
    state["v"] = state.get("v", 0) + g * g
    return w - r.learning_rate * g / (state["v"].sqrt() + r.epsilon)


def adadelta(w, g, state, r):
    state["v"] = v = r.rho * state.get("v", 0) + (1 - r.rho) * g * g
    moved = state.get("d", torch.zeros_like(w))
    step = ((moved + r.epsilon) / (v + r.epsilon)).sqrt() * g
    state["d"] = r.rho * moved + (1 - r.rho) * step * step
    return w - r.learning_rate * step


def rmsprop(w, g, state, r):
    state["v"] = r.rho * state.get("v", 0) + (1 - r.rho) * g * g
    return w - r.learning_rate * g / (state["v"].sqrt() + r.epsilon)


@pytest.mark.parametrize("formula", [adagrad, adadelta, rmsprop])
def test_a_hundred_steps_equal_the_formula(equals_the_formula, formula) -> None:
    assert equals_the_formula(formula, name=formula.__name__)
