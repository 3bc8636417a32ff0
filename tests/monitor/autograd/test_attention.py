"""Attention that looks ahead is told from attention that does not, whoever wrote it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.monitor.autograd.attention import attends_ahead

AHEAD = torch.ones(6, 6).triu(1).bool()
LAYER = nn.MultiheadAttention(8, 2, batch_first=True)


def _by_hand(x: Tensor, *, masked: bool) -> Tensor:
    scores = x @ x.transpose(1, 2) / 8**0.5
    return (scores.masked_fill(AHEAD, float("-inf")) if masked else scores).softmax(-1) @ x


WAYS: dict[str, Callable[[Tensor, bool], Tensor]] = {
    "by hand": lambda x, masked: _by_hand(x, masked=masked),
    "in one piece": lambda x, masked: F.scaled_dot_product_attention(x, x, x, is_causal=masked),
    "with a mask": lambda x, masked: F.scaled_dot_product_attention(x, x, x, attn_mask=~AHEAD if masked else None),
    "with dropout": lambda x, masked: F.scaled_dot_product_attention(x, x, x, is_causal=masked, dropout_p=0.1),
    "of a layer": lambda x, masked: LAYER(x, x, x, attn_mask=AHEAD if masked else None)[0],
}


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_a_mask_is_seen(way: str, masked: bool) -> None:
    x = torch.randn(3, 6, 8, requires_grad=True)
    assert attends_ahead(WAYS[way](x, masked).sum()) is not masked


def test_one_place_and_places_of_another_sequence_are_no_matter() -> None:
    x, other = torch.randn(3, 1, 8, requires_grad=True), torch.randn(3, 4, 8)
    assert not attends_ahead(F.scaled_dot_product_attention(x, x, x).sum())
    assert not attends_ahead(F.scaled_dot_product_attention(x.expand(3, 6, 8), other, other).sum())
    assert not attends_ahead(nn.Linear(8, 6)(x).softmax(-1).sum())
