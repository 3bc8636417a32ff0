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
    """Embedding or numbers, recurrent layers, and a linear head.

    Args:
        body: the recurrent layers.
        embedding: from token numbers to features; None for sequences of numbers.
        head: from the features of a sequence, or of a position, to outputs.
        pool: how positions become one output: "last", "mean", "max"; None for one output per position.
        dropout: share of features dropped, by one mask per sequence, in front of the head.
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
            inputs: (batch, length) int64 token numbers, or (batch, length, features) numbers.
            mask: (batch, length) bool, True where a position counts; padding comes last. None: all
                positions but those of token 0.
        Returns:
            (batch, outputs), or (batch, length, outputs) without pooling.
        """
        outputs, _ = self.read(inputs, mask=mask)
        return outputs

    def read(self, inputs: Tensor, *, mask: Tensor | None = None, state: State | None = None) -> tuple[Tensor, State]:
        """Return outputs as `forward`, and the state after the last position, to go on with the same sequences.

        Args:
            inputs: as for `forward`.
            mask: as for `forward`.
            state: what the last call returned; None starts from zeros.
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
        body: the recurrent layers; their inputs are the features of a token, or the numbers at a position.
        outputs: numbers per sequence, or per position.
        vocabulary: number of tokens; 0 for sequences of numbers.
        embedding: features of a token.
        pool: "last", "mean" or "max" for one output per sequence; None for one per position.
        dropout: share of features dropped in front of the head.
        tie: the head uses the embedding's weights (Press and Wolf 2017); needs as many hidden units as features of a
            token, and outputs = vocabulary.
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
                f"nn.hidden must hold one number of units for every layer of {cell!r}, got {list(settings.hidden)}. "
                "Give for example [128, 128] for two layers."
            )
        if facts.causal and settings.bidirectional:
            raise UsageError(
                "nn.bidirectional must be false for a language model, got true: reading backwards shows the network "
                "the tokens that it must predict. Leave it out."
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
