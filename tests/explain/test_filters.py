"""Filters and feature maps as images (docs/curriculum.md, L5)."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from trainwell.explain import first_filters, grid, heat, volumes


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 4, 3), nn.Flatten(), nn.Linear(64, 2))


def test_filters_of_colour_are_in_colour() -> None:
    shown = first_filters(network())
    assert [f.shape for f in shown] == [(3, 3, 3)] * 5
    assert all(f.min() == 0 and f.max() == 255 for f in shown)
    assert first_filters(nn.Linear(2, 2)) == []


def test_volumes_come_from_first_and_last_convolution() -> None:
    found = volumes(network(), torch.randn(1, 3, 8, 8))
    assert {name: (len(tiles), tiles[0].shape) for name, tiles in found.items()} == {"0": (5, (6, 6)), "2": (4, (4, 4))}


def test_a_grid_keeps_every_tile() -> None:
    tiles = [np.full((2, 3, 3), value, np.uint8) for value in (0, 50, 100)]
    paper = grid(tiles, across=2)
    assert paper.shape == (7, 9, 3)
    assert (paper[4:6, 1:4] == 100).all()
    assert (paper[4:6, 5:8] == 255).all()


def test_what_is_strong_glows_and_the_rest_is_dim() -> None:
    strength = np.zeros((10, 10))
    strength[5, 5] = 1.0
    shown = heat(np.full((10, 10, 1), 200, np.uint8), strength)
    assert shown[5, 5].tolist() == [255, 240, 40]
    assert shown[0, 0].tolist() == [110, 110, 110]
