"""A network judges the labels of pictures it has not seen [B10]."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from trainwell.data.audit import label_network as judge
from trainwell.data.audit.label_network import by_network

RANDOM = np.random.default_rng(0)


def stripes(count: int, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Upright or lying stripes in noise."""
    kinds = np.arange(count) % 2
    wave = np.where(np.arange(16) // 2 % 2, 200, 50)
    upright = np.broadcast_to(wave, (16, 16))
    pictures = np.where(kinds[:, None, None] == 1, upright, upright.T)[..., None]
    noisy = pictures + RANDOM.normal(0, 20, (count, 16, 16, channels))
    return noisy.clip(0, 255).astype(np.uint8), kinds


def test_a_planted_wrong_label_gets_a_low_probability(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "_SEEN", 2000)
    pictures, right = stripes(120)
    given = right.copy()
    given[:6] = 1 - given[:6]
    found = by_network(pictures, np.arange(120), given)
    assert found.shape == (120, 2) and found.sum(axis=1) == pytest.approx(np.ones(120), abs=1e-5)
    own = found[np.arange(120), given]
    assert np.median(own[:6]) < 0.2 and np.median(own[6:]) > 0.8
    assert (found.argmax(axis=1) == right).mean() > 0.8


def test_only_the_rows_asked_for_are_judged_and_the_seed_alone_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "_SEEN", 200)
    pictures, kinds = stripes(60, channels=3)
    rows = np.arange(10, 50)
    state = torch.get_rng_state()
    found = by_network(pictures, rows, kinds[rows])
    assert found.shape == (40, 2)
    assert torch.equal(state, torch.get_rng_state())  # the user's own randomness is left alone
    assert np.array_equal(found, by_network(pictures, rows, kinds[rows]))
