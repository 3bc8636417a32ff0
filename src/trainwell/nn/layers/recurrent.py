"""Recurrent layers: the vanilla RNN, the GRU and the LSTM over padded sequences, and their equations [H3].

Letters: B batch size, T sequence length, D features per position, H hidden units.

The layers use the kernels of torch.nn; `rnn_step`, `gru_step` and `lstm_step` write one step out, with the
weights in torch's layout (gates stacked along the first axis). A test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from trainwell.core.catalogue import Catalogue

State = tuple[Tensor, ...]
"""The hidden state carried from one chunk of a sequence to the next: one (layers, B, H) tensor, or two (LSTM)."""

CELLS: Catalogue[Callable[..., nn.RNNBase]] = Catalogue(
    "recurrent cell", {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
)


def rnn_step(x: Tensor, hidden: Tensor, *, cell: nn.RNNBase) -> Tensor:
    """Return h' = tanh(W x + b + U h + c), the step of a vanilla RNN.

    Args:
        x: (B, D).
        hidden: (B, H).
        cell: a recurrent module of torch.nn; the weights of its first layer are used.
    Returns:
        (B, H).

    >>> cell = nn.RNN(3, 4)
    >>> rnn_step(torch.zeros(2, 3), torch.zeros(2, 4), cell=cell).shape
    torch.Size([2, 4])
    """
    return torch.tanh(_linear(x, cell, part="ih") + _linear(hidden, cell, part="hh"))


def gru_step(x: Tensor, hidden: Tensor, *, cell: nn.RNNBase) -> Tensor:
    """Return the step of a GRU (Cho et al. 2014): a reset gate r, an update gate z and a candidate n.

    r = sigmoid(W_r x + U_r h), z = sigmoid(W_z x + U_z h), n = tanh(W_n x + r * (U_n h)), h' = (1 - z) n + z h;
    biases are left out of the formula. As in torch and cuDNN the reset gate acts after the product with U_n.

    Args:
        x: (B, D).
        hidden: (B, H).
        cell: a recurrent module of torch.nn; the weights of its first layer are used.
    Returns:
        (B, H).
    """
    from_input = _linear(x, cell, part="ih").chunk(3, dim=1)
    from_hidden = _linear(hidden, cell, part="hh").chunk(3, dim=1)
    reset = torch.sigmoid(from_input[0] + from_hidden[0])
    update = torch.sigmoid(from_input[1] + from_hidden[1])
    candidate = torch.tanh(from_input[2] + reset * from_hidden[2])
    return (1 - update) * candidate + update * hidden


def lstm_step(x: Tensor, hidden: Tensor, *, memory: Tensor, cell: nn.RNNBase) -> tuple[Tensor, Tensor]:
    """Return the step of an LSTM (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

    i, f, o = sigmoid(W x + U h) of the input, forget and output gate, g = tanh(W_g x + U_g h),
    c' = f c + i g and h' = o tanh(c'); biases are left out of the formula.

    Args:
        x: (B, D).
        hidden: (B, H), h.
        memory: (B, H), the cell state c.
        cell: a recurrent module of torch.nn; the weights of its first layer are used.
    Returns:
        h' and c', (B, H) each.
    """
    gates = _linear(x, cell, part="ih") + _linear(hidden, cell, part="hh")
    enter, forget, candidate, leave = gates.chunk(4, dim=1)
    memory = torch.sigmoid(forget) * memory + torch.sigmoid(enter) * torch.tanh(candidate)
    return torch.sigmoid(leave) * torch.tanh(memory), memory


def _linear(x: Tensor, cell: nn.RNNBase, *, part: str) -> Tensor:
    """Apply the first layer's weights for the input ("ih") or for the hidden state ("hh")."""
    weight: Tensor = getattr(cell, f"weight_{part}_l0")
    bias: Tensor = getattr(cell, f"bias_{part}_l0")
    return F.linear(x, weight, bias)


@final
class LockedDropout(nn.Module):
    """Variational dropout: one mask per sequence, the same at every position (Gal and Ghahramani 2016).

    Args:
        p: probability of setting a feature to zero.

    >>> layer = LockedDropout(0.5)
    >>> out = layer(torch.ones(2, 5, 8))
    >>> bool((out == out[:, :1]).all()), torch.equal(layer.eval()(out), out)
    (True, True)
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, D) to the same shape with the same expectation."""
        if not self.training or self.p == 0:
            return x
        kept = torch.empty(x.shape[0], 1, x.shape[2], dtype=x.dtype, device=x.device).bernoulli_(1 - self.p)
        return x * (kept / (1 - self.p))

    def extra_repr(self) -> str:
        """Return the probability, for printing."""
        return f"p={self.p}"


@final
class Recurrent(nn.Module):
    """Recurrent layers over padded sequences; padding does not influence the outputs.

    Args:
        inputs: features per position, D.
        hidden: units of each layer, H.
        cell: "rnn", "gru" or "lstm".
        layers: number of stacked layers.
        bidirectional: also read every sequence backwards; outputs have 2 H features.
        dropout: probability of dropping a feature before every layer, with one mask for all positions.

    >>> layer = Recurrent(3, 4, cell="gru", bidirectional=True)
    >>> outputs, last, state = layer(torch.zeros(2, 5, 3), mask=torch.ones(2, 5, dtype=torch.bool))
    >>> outputs.shape, last.shape
    (torch.Size([2, 5, 8]), torch.Size([2, 8]))
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        *,
        cell: str = "lstm",
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.bidirectional = bidirectional
        self.features = hidden * (2 if bidirectional else 1)
        build = CELLS[cell]
        widths = [inputs, *[self.features] * (layers - 1)]
        self.layers = nn.ModuleList(
            build(width, hidden, batch_first=True, bidirectional=bidirectional) for width in widths
        )
        self.dropout = LockedDropout(dropout)

    def forward(
        self, x: Tensor, *, mask: Tensor | None = None, state: State | None = None
    ) -> tuple[Tensor, Tensor, State]:
        """Read sequences.

        Args:
            x: (B, T, D).
            mask: (B, T) bool, True for valid positions; padding comes last. None: all are valid.
            state: returned by the last call, to continue the same sequences; None starts from zeros.
        Returns:
            outputs (B, T, features), zero at padding; the features at the end of each sequence (B, features): at the
            last valid position, and at the first for the backward direction; and the state after the last position.
        """
        lengths = None if mask is None else mask.sum(dim=1)
        states: list[State] = []
        for number, layer in enumerate(self.layers):
            before = None if state is None else tuple(part[number] for part in state)
            x, after = self._read(layer, self.dropout(x), lengths=lengths, state=before)
            states.append(after)
        if mask is not None:
            x = x * mask.unsqueeze(2)
        return x, self._ends(x, lengths), tuple(torch.stack(parts) for parts in zip(*states, strict=True))

    def _read(
        self, layer: nn.Module, x: Tensor, *, lengths: Tensor | None, state: State | None
    ) -> tuple[Tensor, State]:
        # Padding comes last, so only the backward direction would read it before valid positions.
        packed = self.bidirectional and lengths is not None
        given = state if state is None or self.cell == "lstm" else state[0]
        sequences: Any = x
        if packed:
            assert lengths is not None
            sequences = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        outputs, after = layer(sequences, given)
        if packed:
            outputs, _ = pad_packed_sequence(outputs, batch_first=True, total_length=x.shape[1])
        return outputs, after if self.cell == "lstm" else (after,)

    def _ends(self, outputs: Tensor, lengths: Tensor | None) -> Tensor:
        if lengths is None:
            last = outputs[:, -1]
        else:
            rows = torch.arange(len(outputs), device=outputs.device)
            last = outputs[rows, (lengths - 1).clamp(min=0)]
        if not self.bidirectional:
            return last
        half = self.features // 2
        return torch.cat([last[:, :half], outputs[:, 0, half:]], dim=1)
