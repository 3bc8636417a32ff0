"""Rprop equals its formula over 100 steps, and ignores weight decay."""

from __future__ import annotations

import torch


def rprop(w, g, state, r):
    """Steps grow by 1.2 while a gradient keeps its sign, shrink by 0.5 and pause when it changes."""
    agree = (state.get("g", torch.zeros_like(g)) * g).sign()
    size = state.get("size", torch.full_like(w, r.learning_rate))
    state["size"] = size = (size * torch.where(agree > 0, 1.2, torch.where(agree < 0, 0.5, 1.0))).clamp(1e-6, 50)
    state["g"] = g = torch.where(agree < 0, 0.0, g)
    return w - size * g.sign()


def test_a_hundred_steps_equal_the_formula(equals_the_formula) -> None:
    assert equals_the_formula(rprop, name="rprop")


def test_weight_decay_means_nothing_to_rprop(on_the_bowl) -> None:
    without, with_decay = (on_the_bowl(10, name="rprop", learning_rate=0.01, weight_decay=d)[0] for d in (0.0, 0.5))
    assert torch.equal(without[-1], with_decay[-1])
