"""A small transformer: an encoder, or causal for language models [H3]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from trainwell.core.errors import UsageError
from trainwell.core.facts import InputFacts
from trainwell.nn.layers.attention import TransformerBlock
from trainwell.nn.layers.pooling_over_time import OVER_TIME, PADDING, token_mask
from trainwell.nn.zoo.network import Network, PublishedData
from trainwell.nn.zoo.tokens import SENTENCES, for_causal_blocks, vocabulary_of
from trainwell.recipe.sections import NetworkRecipe


@final
class Transformer(nn.Module):
    """Token and position embeddings, pre-norm transformer blocks, layer normalisation and a linear head.

    Args:
        vocabulary: size of the vocabulary.
        outputs: number of outputs per sequence or per position.
        longest: maximum length of a sequence.
        blocks: transformer blocks of one width; causal ones for a language model.
        dropout: probability of dropping a feature of the embeddings.
        pool: "last", "mean" or "max" for one output per sequence; None for one per position.
        tie: the head shares the weights of the embedding (Press and Wolf 2017); needs outputs = vocabulary.
    Raises:
        ValueError: if weights cannot be tied.

    >>> blocks = [TransformerBlock(32, heads=4, hidden=128, causal=True) for _ in range(2)]
    >>> net = Transformer(vocabulary=50, outputs=50, longest=16, blocks=blocks, tie=True)
    >>> net(torch.randint(50, (2, 7))).shape
    torch.Size([2, 7, 50])
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        outputs: int,
        longest: int,
        blocks: Sequence[TransformerBlock],
        dropout: float = 0.0,
        pool: str | None = None,
        tie: bool = False,
    ) -> None:
        super().__init__()
        if tie and outputs != vocabulary:
            raise ValueError(f"Tied weights need outputs = vocabulary, got {outputs} and {vocabulary}.")
        features = blocks[0].norm1.normalized_shape[0]
        self.longest = longest
        self.pool = pool
        self.causal = all(block.attention.causal for block in blocks)
        self.embedding = nn.Embedding(vocabulary, features, padding_idx=PADDING)
        self.positions = nn.Embedding(longest, features)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(features)
        self.head = nn.Linear(features, outputs)
        if tie:
            self.head.weight = self.embedding.weight

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return outputs.

        Args:
            inputs: (batch, length) int64 token ids.
            mask: (batch, length) bool, True for valid tokens; None: all but padding, token 0. A causal network without
                pooling needs no mask, because padding comes last.
        Returns:
            (batch, outputs), or (batch, length, outputs) without pooling.
        Raises:
            ValueError: if a sequence has more than `longest` positions.
        """
        length = inputs.shape[1]
        if self.pool is not None or not self.causal:  # otherwise the faster kernel without a mask is equivalent
            mask = token_mask(inputs, mask)
        if length > self.longest:
            raise ValueError(f"Sequences must have at most {self.longest} tokens, got {length}.")
        x = self.embedding(inputs) + self.positions(torch.arange(length, device=inputs.device))
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, mask=mask)
        x = self.norm(x)
        outputs: Tensor = self.head(x if self.pool is None else OVER_TIME[self.pool](x, mask))
        return outputs


def _build(settings: NetworkRecipe, facts: InputFacts, outputs: int) -> nn.Module:
    if settings.embedding % settings.heads:
        raise UsageError(f"nn.embedding must be a multiple of nn.heads, got {settings.embedding} and {settings.heads}.")
    blocks = [
        TransformerBlock(
            settings.embedding, heads=settings.heads, hidden=units, causal=facts.causal, dropout=settings.dropout
        )
        for units in settings.hidden
    ]
    return Transformer(
        vocabulary=vocabulary_of(facts, "transformer"),
        outputs=outputs,
        longest=facts.max_length,
        blocks=blocks,
        dropout=settings.dropout,
        pool=None if facts.per_position else settings.pool_over_time,
    )


TRANSFORMER = Network(
    build=_build,
    page=Transformer,
    uses=("nn.initialisation", "nn.hidden", "nn.dropout", "nn.embedding", "nn.heads", "nn.pool_over_time"),
    usual=for_causal_blocks,
    published=PublishedData(input=SENTENCES, classes=2),
    per_position=True,
    can_be_mapped=False,
)
