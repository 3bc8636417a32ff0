"""Dropout for many networks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.population.dropout import MemberDropout, remove_dropout


def test_dropout_has_its_own_probability_and_none_in_eval_mode() -> None:
    layer = MemberDropout(0.25)
    x = torch.ones(4000)
    dropped = layer(x)
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.05)
    assert layer.eval()(x) is x


def test_members_threshold_the_same_draw() -> None:
    low, high = MemberDropout(0.1), MemberDropout(0.6)
    x = torch.ones(1000)
    kept = []
    for layer in (low, high):
        torch.manual_seed(0)
        kept.append(layer(x) > 0)
    assert bool((kept[0] | ~kept[1]).all())  # whatever the higher probability keeps, the lower one keeps too


def test_dropout_is_removed_wherever_it_is() -> None:
    model = nn.Sequential(nn.Linear(2, 2), MemberDropout(0.5), nn.Sequential(MemberDropout(0.5)))
    remove_dropout(model)
    assert not [module for module in model.modules() if isinstance(module, MemberDropout)]
    x = torch.ones(3, 2)
    torch.testing.assert_close(model.train()(x), model[0](x))
