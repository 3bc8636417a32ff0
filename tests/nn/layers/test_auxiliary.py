"""Auxiliary heads are called in training mode only (docs/curriculum.md, H2)."""

from __future__ import annotations

import torch
from torch import nn

from trainwell.nn.layers import AuxiliaryHeads


def test_heads_are_called_in_training_only() -> None:
    body = nn.Sequential()
    body.add_module("one", nn.Conv2d(1, 4, 3))
    head = nn.Sequential(nn.Flatten(), nn.Linear(4 * 16, 3))
    net = AuxiliaryHeads(body, nn.ModuleDict({"one": head}), head=nn.Linear(4, 3), dropout=0.5, auxiliary_weight=0.3)
    calls: list[torch.Size] = []
    head.register_forward_hook(lambda module, inputs, out: calls.append(out.shape))
    x = torch.zeros(2, 1, 6, 6)
    assert net.train()(x).shape == (2, 3)
    assert net.eval()(x).shape == (2, 3)
    assert calls == [(2, 3)]
