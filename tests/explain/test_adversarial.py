"""Adversarial images keep to the pixels' range and to their strength (docs/curriculum.md, L6)."""

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


def images(count: int = 8) -> torch.Tensor:
    return torch.randint(0, 256, (count, 2, 6, 6), generator=torch.Generator().manual_seed(0)).float()


@settings(max_examples=20)
@given(st.integers(1, 40) | st.floats(0, 3), st.integers(1, 5), st.booleans())
def test_changes_are_whole_levels_within_strength_and_range(strength, steps, toward) -> None:
    x = images()
    found = attack(
        network(), x, classes=torch.zeros(8, dtype=torch.long), rule=RULE, strength=strength, steps=steps, toward=toward
    )
    assert (found - x).abs().max() <= strength
    assert found.min() >= 0 and found.max() <= 255
    assert torch.equal(found, found.round())


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_image_is_pushed_to_a_chosen_class(outputs) -> None:
    net, x = network(outputs), images()
    for wanted in range(max(2, outputs)):
        target = torch.full((8,), wanted)
        found = attack(net, x, classes=target, rule=RULE, strength=90, steps=10, toward=True)
        assert (decide(net(RULE.inputs(found))) == wanted).float().mean() > 0.8


def test_the_stronger_the_fewer_are_right_and_many_steps_beat_one() -> None:
    net, x = network(), images(64)
    classes = decide(net(RULE.inputs(x)))
    once = accuracy_by_strength(net, x, classes=classes, rule=RULE, strengths=(0, 4, 16), steps=1)
    often = accuracy_by_strength(net, x, classes=classes, rule=RULE, strengths=(0, 4, 16), steps=10)
    assert once[0] == often[0] == 1.0
    assert once[0] >= once[4] >= once[16]
    assert often[16] <= once[16] < 0.9


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError, match="strength of at least 0"):
        attack(network(), images(), classes=torch.zeros(8, dtype=torch.long), rule=RULE, strength=-1)


def test_what_is_lost_is_not_attacked_again_and_large_images_go_few_at_a_time() -> None:
    seen: list[int] = []
    net = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(8, 2))
    net.register_forward_hook(lambda module, given, outputs: seen.append(len(outputs)))
    x = torch.randint(0, 256, (10, 2, 724, 724), generator=torch.Generator().manual_seed(1)).float()
    wrong = 1 - decide(net(RULE.inputs(x)))
    wrong[:2] = 1 - wrong[:2]
    seen.clear()
    found = accuracy_by_strength(net, x, classes=wrong, rule=RULE, strengths=(0, 1), steps=3)
    assert found[0] == pytest.approx(0.2)
    assert seen == [4, 4, 2, 2, 2, 2, 2]
