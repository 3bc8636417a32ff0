"""docs/curriculum.md, C1."""

from __future__ import annotations

import math

import torch

from trainwell.lab.initialisation import activations


def test_the_published_table(done) -> None:
    numbers = done("initialisation").numbers
    assert [round(numbers[f"tanh, 0.01, layer {n}"], 3) for n in (1, 2, 3)] == [0.213, 0.048, 0.011]


def test_he_keeps_the_mean_square_at_one() -> None:
    torch.manual_seed(3)
    squares = [layer.square().mean().item() for layer in activations(math.sqrt(2 / 500), torch.relu)]
    assert all(0.6 < square < 1.5 for square in squares)
