"""Attention: weights that sum to 1, never on padding, never on the future (docs/curriculum.md, A16, H3)."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from trainwell.nn.layers.attention import (
    AdditiveAttention,
    DotAttention,
    SelfAttention,
    TransformerBlock,
    sinusoidal_positions,
)


@pytest.mark.parametrize("attend", [AdditiveAttention(3, 4, hidden=5), DotAttention(3, 4)])
def test_weights_sum_to_one_and_padding_gets_none(attend: nn.Module) -> None:
    torch.manual_seed(0)
    queries, keys = torch.randn(2, 3, 3), torch.randn(2, 6, 4)
    mask = torch.arange(6) < torch.tensor([2, 6])[:, None]
    context, weights = attend(queries, keys, mask=mask)
    assert torch.allclose(weights.sum(dim=2), torch.ones(2, 3), atol=1e-6)
    assert not weights[0, :, 2:].any() and (weights[1] > 0).all()
    alone, _ = attend(queries[:1], keys[:1, :2])
    assert torch.allclose(context[:1], alone, atol=1e-6)


def test_additive_scores_equal_the_formula() -> None:
    torch.manual_seed(1)
    attend = AdditiveAttention(3, 4, hidden=5)
    query, keys = torch.randn(3), torch.randn(6, 4)
    scores = [attend.score.weight[0] @ torch.tanh(attend.query(query) + attend.key(key)) for key in keys]
    _, weights = attend(query.view(1, 1, 3), keys[None])
    assert torch.allclose(weights[0, 0], torch.stack(scores).softmax(0), atol=1e-6)


def test_self_attention_equals_torchs_multi_head_attention() -> None:
    torch.manual_seed(2)
    ours, theirs = SelfAttention(8, heads=2), nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(ours.qkv.weight)
        theirs.in_proj_bias.copy_(ours.qkv.bias)
        theirs.out_proj.weight.copy_(ours.out.weight)
        theirs.out_proj.bias.copy_(ours.out.bias)
    x = torch.randn(3, 5, 8)
    assert torch.allclose(ours(x), theirs(x, x, x)[0], atol=1e-6)


@pytest.mark.parametrize("pre_norm", [True, False])
@pytest.mark.parametrize("with_mask", [True, False])
def test_a_causal_block_never_sees_the_future(pre_norm: bool, with_mask: bool) -> None:
    torch.manual_seed(3)
    block = TransformerBlock(8, heads=2, hidden=16, causal=True, pre_norm=pre_norm).eval()
    mask = torch.ones(1, 6, dtype=torch.bool) if with_mask else None
    x = torch.randn(1, 6, 8)
    changed = x.clone()
    changed[:, 4:] += 1
    before, after = block(x, mask=mask), block(changed, mask=mask)
    assert torch.allclose(before[:, :4], after[:, :4], atol=1e-6)
    assert not torch.allclose(before[:, 4:], after[:, 4:], atol=1e-3)


def test_padding_changes_nothing_and_stays_finite() -> None:
    torch.manual_seed(4)
    block = TransformerBlock(8, heads=4, hidden=16).eval()
    x = torch.randn(2, 6, 8)
    mask = torch.arange(6) < torch.tensor([3, 6])[:, None]
    padded = block(x, mask=mask)
    assert torch.isfinite(padded).all()
    assert torch.allclose(padded[0, :3], block(x[:1, :3])[0], atol=1e-5)


def test_a_number_of_heads_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of heads, got 8 features and 3 heads"):
        SelfAttention(8, heads=3)


def test_positions_are_distinct_and_as_in_the_paper() -> None:
    codes = sinusoidal_positions(50, 16)
    assert codes[3, 4].item() == pytest.approx(math.sin(3 / 10_000 ** (4 / 16)), abs=1e-6)
    assert codes[3, 5].item() == pytest.approx(math.cos(3 / 10_000 ** (4 / 16)), abs=1e-6)
    assert torch.cdist(codes, codes).fill_diagonal_(1).min() > 0.1
