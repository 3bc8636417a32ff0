"""The small transformer (docs/curriculum.md, H3)."""

from __future__ import annotations

import pytest
import torch

from trainwell.nn.layers.attention import TransformerBlock
from trainwell.nn.zoo.transformer import Transformer


def blocks(*, causal: bool = False) -> list[TransformerBlock]:
    return [TransformerBlock(16, heads=4, hidden=64, causal=causal) for _ in range(2)]


def test_a_causal_one_predicts_from_the_past_alone() -> None:
    torch.manual_seed(0)
    net = Transformer(vocabulary=20, outputs=20, longest=8, blocks=blocks(causal=True), tie=True).eval()
    tokens = torch.randint(20, (1, 8))
    changed = tokens.clone()
    changed[0, 5:] = (tokens[0, 5:] + 1) % 20
    assert torch.allclose(net(tokens)[:, :5], net(changed)[:, :5], atol=1e-6)
    assert net.head.weight is net.embedding.weight


@pytest.mark.parametrize("pool", ["last", "mean", "max"])
def test_padding_changes_no_output(pool: str) -> None:
    torch.manual_seed(1)
    net = Transformer(vocabulary=20, outputs=3, longest=9, blocks=blocks(), pool=pool).eval()
    tokens = torch.randint(4, 20, (2, 9))
    mask = torch.arange(9) < torch.tensor([3, 9])[:, None]
    assert torch.allclose(net(tokens, mask)[:1], net(tokens[:1, :3]), atol=1e-5)


def test_the_order_of_tokens_matters() -> None:
    torch.manual_seed(2)
    net = Transformer(vocabulary=20, outputs=3, longest=9, blocks=blocks(), pool="mean").eval()
    tokens = torch.tensor([[5, 6, 7]])
    assert not torch.allclose(net(tokens), net(tokens.flip(1)), atol=1e-4)


def test_sequences_that_are_too_long_are_refused() -> None:
    net = Transformer(vocabulary=20, outputs=3, longest=4, blocks=blocks())
    with pytest.raises(ValueError, match="at most 4 tokens, got 5"):
        net(torch.zeros(1, 5, dtype=torch.int64))
