"""Encoder-decoder networks from sequence to sequence, with or without attention [A16].

Letters: B batch size, T source length, S target length, V size of the target vocabulary.
"""

from __future__ import annotations

from typing import NamedTuple, final

import torch
from torch import Tensor, nn

from trainwell.core.catalogue import Catalogue
from trainwell.nn.layers.attention import AdditiveAttention, DotAttention
from trainwell.nn.layers.pooling_over_time import PADDING, token_mask
from trainwell.nn.layers.recurrent import LockedDropout, Recurrent


def _additive(hidden: int, features: int) -> nn.Module | None:
    return AdditiveAttention(hidden, features, hidden=hidden)


def _dot(hidden: int, features: int) -> nn.Module | None:
    return DotAttention(hidden, features)


def _none(hidden: int, features: int) -> nn.Module | None:
    return None


ATTENTIONS = Catalogue("attention", {"additive": _additive, "dot": _dot, "none": _none})


class EncodedSequence(NamedTuple):
    """The encoder's outputs for a source sequence.

    Args:
        features: (B, T, features) of every position.
        mask: (B, T) bool, True for valid positions; None: all are valid.
        start: (B, hidden), the initial state of the decoder.
    """

    features: Tensor
    mask: Tensor | None
    start: Tensor

    def repeated(self, times: int) -> EncodedSequence:
        """Return the outputs with every example repeated `times` times, for beam search."""
        mask = None if self.mask is None else self.mask.repeat_interleave(times, dim=0)
        return EncodedSequence(
            self.features.repeat_interleave(times, dim=0), mask, self.start.repeat_interleave(times, dim=0)
        )


@final
class EncoderDecoder(nn.Module):
    """A bidirectional GRU encoder and a GRU decoder with attention (Bahdanau et al. 2015).

    Args:
        vocabulary: size of the source vocabulary.
        outputs: size of the target vocabulary, V.
        embedding: size of an embedding.
        hidden: units of the decoder; the encoder has half of them in each direction.
        attention: "additive", "dot" or "none"; with "none" the decoder gets only the encoder's final state.
        dropout: dropout probability of embeddings and before the head.

    >>> net = EncoderDecoder(vocabulary=30, outputs=20, embedding=8, hidden=8)
    >>> logits = net(torch.randint(30, (2, 5)), previous=torch.randint(20, (2, 4)))
    >>> logits.shape
    torch.Size([2, 4, 20])
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        outputs: int,
        embedding: int = 128,
        hidden: int = 256,
        attention: str = "additive",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.dropout = LockedDropout(dropout)
        self.source = nn.Embedding(vocabulary, embedding, padding_idx=PADDING)
        self.encoder = Recurrent(embedding, hidden // 2, cell="gru", bidirectional=True)
        self.bridge = nn.Linear(self.encoder.features, hidden)
        self.target = nn.Embedding(outputs, embedding, padding_idx=PADDING)
        self.decoder = nn.GRU(embedding, hidden, batch_first=True)
        self.attention = ATTENTIONS[attention](hidden, self.encoder.features)
        combined = hidden + (self.encoder.features if self.attention is not None else 0)
        self.combine = nn.Linear(combined, embedding)
        self.head = nn.Linear(embedding, outputs)

    def forward(self, inputs: Tensor, mask: Tensor | None = None, *, previous: Tensor) -> Tensor:
        """Return the logits of every next token, given the true previous tokens (teacher forcing).

        Args:
            inputs: (B, T) int64 source tokens.
            mask: (B, T) bool, True for valid tokens; padding comes last. None: all but token 0.
            previous: (B, S) int64, the token before each target position: <bos> first.
        Returns:
            (B, S, V).
        """
        memory = self.read(inputs, mask=mask)
        logits, _, _ = self.write(previous, memory=memory, state=memory.start)
        return logits

    def read(self, inputs: Tensor, *, mask: Tensor | None = None) -> EncodedSequence:
        """Encode source sequences; arguments as for `forward`."""
        mask = token_mask(inputs, mask)
        features, ends, _ = self.encoder(self.dropout(self.source(inputs)), mask=mask)
        return EncodedSequence(features, mask, torch.tanh(self.bridge(ends)))

    def write(
        self, previous: Tensor, *, memory: EncodedSequence, state: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Decode further tokens.

        Args:
            previous: (B, S) int64, the token before each target position.
            memory: the outputs of the encoder.
            state: (B, hidden), first `memory.start`, then the state that the last call returned.
        Returns:
            logits (B, S, V), the state (B, hidden) after the last token, and attention weights (B, S, T) or None.
        """
        hidden, after = self.decoder(self.dropout(self.target(previous)), state.unsqueeze(0))
        weights = None
        if self.attention is not None:
            context, weights = self.attention(hidden, memory.features, mask=memory.mask)
            hidden = torch.cat([hidden, context], dim=2)
        logits: Tensor = self.head(self.dropout(torch.tanh(self.combine(hidden))))
        return logits, after.squeeze(0), weights
