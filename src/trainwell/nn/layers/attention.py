"""Attention: additive, dot product, and the blocks of a transformer [A16, H3].

Letters: B batch size, Q number of queries, K number of keys, D features.
"""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@final
class AdditiveAttention(nn.Module):
    """score(q, k) = v . tanh(W q + U k) (Bahdanau, Cho, Bengio 2015).

    Args:
        queries: features of a query.
        keys: features of a key.
        hidden: units of the scoring layer.

    >>> attend = AdditiveAttention(3, 4, hidden=5)
    >>> context, weights = attend(torch.zeros(2, 1, 3), torch.randn(2, 6, 4))
    >>> context.shape, weights.sum(dim=2).round().tolist()
    (torch.Size([2, 1, 4]), [[1.0], [1.0]])
    """

    def __init__(self, queries: int, keys: int, *, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(queries, hidden, bias=False)
        self.key = nn.Linear(keys, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(self, queries: Tensor, keys: Tensor, *, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the context vectors and the attention weights.

        Args:
            queries: (B, Q, queries).
            keys: (B, K, keys); they are also the values.
            mask: (B, K) bool, True for valid keys; None: all are valid.
        Returns:
            the weighted mean of the keys (B, Q, keys), and the weights (B, Q, K), which sum to 1 over K.
        """
        hidden = torch.tanh(self.query(queries).unsqueeze(2) + self.key(keys).unsqueeze(1))
        return _attend(self.score(hidden).squeeze(3), keys, mask=mask)


@final
class DotAttention(nn.Module):
    """score(q, k) = (W q) . k / sqrt(D): Luong, Pham, Manning 2015 ("general"), scaled as in Vaswani et al. 2017.

    Args:
        queries: features of a query.
        keys: features of a key.
    """

    def __init__(self, queries: int, keys: int) -> None:
        super().__init__()
        self.query = nn.Linear(queries, keys, bias=False)

    def forward(self, queries: Tensor, keys: Tensor, *, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the context vectors and the attention weights; shapes as for `AdditiveAttention`."""
        scores = self.query(queries) @ keys.transpose(1, 2) / math.sqrt(keys.shape[2])
        return _attend(scores, keys, mask=mask)


def _attend(scores: Tensor, values: Tensor, *, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    if mask is not None:
        scores = scores.masked_fill(~mask.unsqueeze(1), float("-inf"))
    weights = scores.softmax(dim=2)
    return weights @ values, weights


@final
class SelfAttention(nn.Module):
    """Multi-head scaled dot-product self-attention (Vaswani et al. 2017, section 3.2).

    Args:
        features: D, at every position; a multiple of `heads`.
        heads: number of attention heads.
        causal: a position attends only to itself and earlier ones.
        dropout: probability of dropping an attention weight in training.
    Raises:
        ValueError: if `heads` does not divide `features`.
    """

    def __init__(self, features: int, *, heads: int, causal: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        if features % heads:
            raise ValueError(f"features must be a multiple of heads, got {features} features and {heads} heads.")
        self.heads = heads
        self.causal = causal
        self.dropout = dropout
        self.qkv = nn.Linear(features, 3 * features)
        self.out = nn.Linear(features, features)

    def forward(self, x: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Map (B, T, D) to (B, T, D).

        Args:
            x: (B, T, D).
            mask: (B, T) bool, True for valid positions; no position attends to the others.
        """
        examples, length, features = x.shape
        parts = self.qkv(x).view(examples, length, 3, self.heads, features // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        dropped = self.dropout if self.training else 0.0
        allowed = None if mask is None else self._allowed(mask)
        seen = F.scaled_dot_product_attention(
            queries, keys, values, attn_mask=allowed, dropout_p=dropped, is_causal=self.causal and allowed is None
        )
        mixed: Tensor = self.out(seen.transpose(1, 2).reshape(examples, length, features))
        return mixed

    def _allowed(self, mask: Tensor) -> Tensor:
        """Return the attention mask, (B, 1, T, T) bool, True where attention is allowed.

        Every position may attend to itself, so that the softmax of padding is finite.
        """
        length = mask.shape[1]
        itself = torch.eye(length, dtype=torch.bool, device=mask.device)
        allowed = mask[:, None, None, :] | itself
        if self.causal:
            allowed = allowed & torch.ones(length, length, dtype=torch.bool, device=mask.device).tril()
        return allowed


@final
class TransformerBlock(nn.Module):
    """Self-attention and a feed-forward network, each with a residual connection and layer normalisation.

    Args:
        features: D.
        heads: number of attention heads.
        hidden: units of the feed-forward network; usually 4 D.
        causal: a position attends only to itself and earlier ones.
        dropout: probability of dropping a feature at the end of both sublayers.
        pre_norm: normalise before each sublayer (Xiong et al. 2020), which trains without warm-up; False
            normalises after the residual sum, as in Vaswani et al. 2017.

    >>> block = TransformerBlock(8, heads=2, hidden=32, causal=True)
    >>> block(torch.zeros(2, 5, 8)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(
        self,
        features: int,
        *,
        heads: int,
        hidden: int,
        causal: bool = False,
        dropout: float = 0.0,
        pre_norm: bool = True,
    ) -> None:
        super().__init__()
        self.pre_norm = pre_norm
        self.norm1 = nn.LayerNorm(features)
        self.attention = SelfAttention(features, heads=heads, causal=causal, dropout=dropout)
        self.norm2 = nn.LayerNorm(features)
        self.feed_forward = nn.Sequential(nn.Linear(features, hidden), nn.GELU(), nn.Linear(hidden, features))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Map (B, T, D) to (B, T, D); mask (B, T) is True for valid positions."""
        if self.pre_norm:
            x = x + self.dropout(self.attention(self.norm1(x), mask=mask))
            normalised: Tensor = x + self.dropout(self.feed_forward(self.norm2(x)))
            return normalised
        x = self.norm1(x + self.dropout(self.attention(x, mask=mask)))
        normalised = self.norm2(x + self.dropout(self.feed_forward(x)))
        return normalised


def sinusoidal_positions(length: int, features: int) -> Tensor:
    """Return the sinusoidal positional encoding of Vaswani et al. 2017, section 3.5.

    Args:
        length: number of positions.
        features: size of an encoding; even.
    Returns:
        (length, features): sin(t / 10000^(2i/D)) and cos of the same angle, interleaved.

    >>> sinusoidal_positions(2, 4)[0].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    angles = torch.arange(length)[:, None] / 10_000 ** (torch.arange(0, features, 2) / features)
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)
