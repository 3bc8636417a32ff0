"""The convolutional network for sentences of Kim 2014: filters over three to five words, max pooling over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.core.facts import InputFacts
from trainwell.nn.layers.pooling_over_time import PADDING, maximum, token_mask
from trainwell.nn.zoo.network import Network, PublishedData
from trainwell.nn.zoo.tokens import SENTENCES, for_tokens, vocabulary_of
from trainwell.recipe.sections import NetworkRecipe


@final
class TextCNN(nn.Module):
    """Embedding, filters of several widths, max pooling over time, dropout and a linear head (Kim 2014).

    Args:
        vocabulary: size of the vocabulary.
        outputs: number of outputs per sequence.
        embedding: size of an embedding.
        channels: number of filters of each width.
        widths: widths of the filters, in tokens.
        dropout: probability of dropping a pooled feature.

    >>> net = TextCNN(vocabulary=50, outputs=3)
    >>> net(torch.randint(50, (2, 7))).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        outputs: int,
        embedding: int = 128,
        channels: int = 100,
        widths: Sequence[int] = (3, 4, 5),
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding, padding_idx=PADDING)
        self.filters = nn.ModuleList(nn.Conv1d(embedding, channels, width) for width in widths)
        self.activation = nn.ReLU()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels * len(widths), outputs)

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map (batch, length) token ids to (batch, outputs).

        Args:
            inputs: int64.
            mask: (batch, length) bool, True for valid tokens; None: all but padding, token 0.
        """
        mask = token_mask(inputs, mask)
        features = self.embedding(inputs) * mask.unsqueeze(2)
        pooled = torch.cat([maximum(self._maps(filters, features), mask) for filters in self.filters], dim=1)
        outputs: Tensor = self.head(self.dropout(pooled))
        return outputs

    def _maps(self, filters: nn.Module, features: Tensor) -> Tensor:
        """Return (batch, length, channels): filters are centred on each position."""
        assert isinstance(filters, nn.Conv1d)
        around = filters.kernel_size[0] - 1
        padded = F.pad(features.transpose(1, 2), (around // 2, around - around // 2))
        maps: Tensor = self.activation(filters(padded)).transpose(1, 2)
        return maps


def _build(settings: NetworkRecipe, facts: InputFacts, outputs: int) -> nn.Module:
    return TextCNN(
        vocabulary=vocabulary_of(facts, "text_cnn"),
        outputs=outputs,
        embedding=settings.embedding,
        dropout=settings.dropout,
    )


TEXT_CNN = Network(
    build=_build,
    page=TextCNN,
    uses=("nn.initialisation", "nn.activation", "nn.dropout", "nn.embedding"),
    usual=for_tokens,
    published=PublishedData(input=SENTENCES, classes=2),
    can_be_mapped=False,
)
