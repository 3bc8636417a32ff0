"""Recurrent networks: vanilla RNN, GRU, LSTM; one output per sequence or one per position [H3]."""

from __future__ import annotations

from typing import final

from torch import Tensor, nn

from trainwell.core.errors import UsageError
from trainwell.core.facts import InputFacts
from trainwell.nn.layers.pooling_over_time import OVER_TIME, PADDING, token_mask
from trainwell.nn.layers.recurrent import LockedDropout, Recurrent, State
from trainwell.nn.zoo.network import Network, PublishedData
from trainwell.nn.zoo.tokens import SENTENCES, for_tokens, vocabulary_of
from trainwell.recipe.sections import NetworkRecipe


@final
class RecurrentNetwork(nn.Module):
    """An optional embedding, recurrent layers, and a linear head.

    Args:
        body: the recurrent layers.
        embedding: from token ids to features; None for sequences of numbers.
        head: from the features of a sequence, or of a position, to outputs.
        pool: pooling over positions: "last", "mean" or "max"; None for one output per position.
        dropout: probability of dropping a feature before the head, with one mask per sequence.
    """

    def __init__(
        self,
        *,
        body: Recurrent,
        head: nn.Linear,
        embedding: nn.Embedding | None = None,
        pool: str | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.body = body
        self.pool = pool
        self.dropout = LockedDropout(dropout)
        self.head = head

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return outputs.

        Args:
            inputs: (batch, length) int64 token ids, or (batch, length, features) numbers.
            mask: (batch, length) bool, True for valid positions; padding comes last. None: all
                positions but those of token 0.
        Returns:
            (batch, outputs), or (batch, length, outputs) without pooling.
        """
        outputs, _ = self.read(inputs, mask=mask)
        return outputs

    def read(self, inputs: Tensor, *, mask: Tensor | None = None, state: State | None = None) -> tuple[Tensor, State]:
        """Return outputs as `forward`, and the state after the last position, to continue the same sequences.

        Args:
            inputs: as for `forward`.
            mask: as for `forward`.
            state: returned by the last call; None starts from zeros.
        """
        features = inputs
        if self.embedding is not None:
            mask = token_mask(inputs, mask)
            features = self.embedding(inputs)
        features, ends, state = self.body(features, mask=mask, state=state)
        if self.pool == "last":
            features = ends.unsqueeze(1)  # the backward direction ends at the first position
        elif self.pool is not None:
            features = OVER_TIME[self.pool](features, mask).unsqueeze(1)
        outputs: Tensor = self.head(self.dropout(features))
        return outputs if self.pool is None else outputs.squeeze(1), state


def recurrent_network(
    body: Recurrent,
    *,
    outputs: int,
    vocabulary: int = 0,
    embedding: int = 128,
    pool: str | None = "max",
    dropout: float = 0.0,
    tie: bool = False,
) -> RecurrentNetwork:
    """Build a recurrent network around its recurrent layers.

    Args:
        body: the recurrent layers; their inputs are embeddings, or the features at a position.
        outputs: number of outputs per sequence or per position.
        vocabulary: size of the vocabulary; 0 for sequences of numbers.
        embedding: size of an embedding.
        pool: "last", "mean" or "max" for one output per sequence; None for one per position.
        dropout: probability of dropping a feature before the head.
        tie: the head shares the weights of the embedding (Press and Wolf 2017); needs hidden = embedding and
            outputs = vocabulary.
    Raises:
        ValueError: if weights cannot be tied.

    >>> import torch
    >>> net = recurrent_network(Recurrent(4, 8), vocabulary=50, embedding=4, outputs=3)
    >>> net(torch.randint(50, (2, 7))).shape
    torch.Size([2, 3])
    """
    tokens = nn.Embedding(vocabulary, embedding, padding_idx=PADDING) if vocabulary else None
    head = nn.Linear(body.features, outputs)
    if tie:
        if tokens is None or tokens.weight.shape != head.weight.shape:
            raise ValueError(
                f"Tied weights need hidden = embedding and outputs = vocabulary, got hidden {body.features}, "
                f"embedding {embedding}, outputs {outputs}, vocabulary {vocabulary}."
            )
        head.weight = tokens.weight
    return RecurrentNetwork(body=body, head=head, embedding=tokens, pool=pool, dropout=dropout)


def _network(cell: str) -> Network:
    def build(settings: NetworkRecipe, facts: InputFacts, outputs: int) -> nn.Module:
        if len(set(settings.hidden)) != 1:
            raise UsageError(
                f"nn.hidden must give one number of units for all layers of {cell!r}, got {list(settings.hidden)}. "
                "For two layers use for example [128, 128]."
            )
        if facts.causal and settings.bidirectional:
            raise UsageError(
                "nn.bidirectional must be false for a language model, got true: the backward direction would see the "
                "tokens to predict. Omit the setting."
            )
        vocabulary = vocabulary_of(facts, cell)
        body = Recurrent(
            settings.embedding,
            settings.hidden[0],
            cell=cell,
            layers=len(settings.hidden),
            bidirectional=settings.bidirectional,
            dropout=settings.dropout,
        )
        return recurrent_network(
            body,
            outputs=outputs,
            vocabulary=vocabulary,
            embedding=settings.embedding,
            pool=None if facts.per_position else settings.pool_over_time,
            dropout=settings.dropout,
        )

    return Network(
        build=build,
        page=recurrent_network,
        uses=(
            "nn.initialisation",
            "nn.hidden",
            "nn.dropout",
            "nn.embedding",
            "nn.bidirectional",
            "nn.pool_over_time",
        ),
        usual=for_tokens,
        published=PublishedData(input=SENTENCES, classes=2),
        per_position=True,
        can_be_mapped=False,
    )


RNN = _network("rnn")
GRU = _network("gru")
LSTM = _network("lstm")
