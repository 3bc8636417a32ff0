"""Adversarial pictures keep to the pixels' range and to their strength (curriculum L6)."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trainwell.core.errors import UsageError
from trainwell.explain import Pixels, accuracy_by_strength, attack, decide

RULE = Pixels(torch.tensor([0.02, 0.03]), torch.tensor([-2.0, -1.0]))


def network(outputs: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(2 * 6 * 6, 16), nn.ReLU(), nn.Linear(16, outputs))


def pictures(count: int = 8) -> torch.Tensor:
    return torch.randint(0, 256, (count, 2, 6, 6), generator=torch.Generator().manual_seed(0)).float()


@settings(max_examples=20)
@given(st.integers(1, 40) | st.floats(0, 3), st.integers(1, 5), st.booleans())
def test_changes_are_whole_levels_within_strength_and_range(strength, steps, toward) -> None:
    x = pictures()
    found = attack(
        network(), x, torch.zeros(8, dtype=torch.long), rule=RULE, strength=strength, steps=steps, toward=toward
    )
    assert (found - x).abs().max() <= strength
    assert found.min() >= 0 and found.max() <= 255
    assert torch.equal(found, found.round())


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_picture_is_pushed_to_a_chosen_class(outputs) -> None:
    net, x = network(outputs), pictures()
    for wanted in range(max(2, outputs)):
        target = torch.full((8,), wanted)
        found = attack(net, x, target, rule=RULE, strength=90, steps=10, toward=True)
        assert (decide(net(RULE.inputs(found))) == wanted).float().mean() > 0.8


def test_the_stronger_the_fewer_are_right_and_many_steps_beat_one() -> None:
    net, x = network(), pictures(64)
    classes = decide(net(RULE.inputs(x)))
    once = accuracy_by_strength(net, x, classes, rule=RULE, strengths=(0, 4, 16), steps=1)
    often = accuracy_by_strength(net, x, classes, rule=RULE, strengths=(0, 4, 16), steps=10)
    assert once[0] == often[0] == 1.0
    assert once[0] >= once[4] >= once[16]
    assert often[16] <= once[16] < 0.9


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError, match="strength of at least 0"):
        attack(network(), pictures(), torch.zeros(8, dtype=torch.long), rule=RULE, strength=-1)
