"""Adam and AdamW equal their formulas over 100 steps."""

from __future__ import annotations


def adam(w, g, state, r, decoupled=False):
    if decoupled:
        w = w * (1 - r.learning_rate * r.weight_decay)
    state["t"] = t = state.get("t", 0) + 1
    state["m"] = m = r.beta1 * state.get("m", 0) + (1 - r.beta1) * g
    state["v"] = v = r.beta2 * state.get("v", 0) + (1 - r.beta2) * g * g
    return w - r.learning_rate * (m / (1 - r.beta1**t)) / ((v / (1 - r.beta2**t)).sqrt() + r.epsilon)


def adamw(w, g, state, r):
    return adam(w, g, state, r, decoupled=True)


def test_a_hundred_steps_of_adam_equal_the_formula(equals_the_formula) -> None:
    assert equals_the_formula(adam, name="adam")


def test_a_hundred_steps_of_adamw_equal_the_formula(equals_the_formula) -> None:
    assert equals_the_formula(adamw, name="adamw", weight_decay=0.1)
