"""Rules on sequences: the axes of recurrent and attention layers, and causal masks."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding
from trainwell.core.signals import Signals
from trainwell.rules.loss_graph import seen_in_graph


def missing_batch_first(signals: Signals, facts: Facts) -> Finding | None:
    """`batch_first` is missing: a sequence layer treats the examples of a batch as the steps of one sequence.

    *Why it matters*: each output then depends on the other examples of its batch, and no longer on its own sequence.
    PyTorch's recurrent and attention layers expect (time, batch, features) unless told otherwise.
    *Known problems*: none known. Batches as long as their sequences, and outputs for each time step, are not judged.
    *Repair*: `nn.GRU(..., batch_first=True)`, or `x.transpose(0, 1)` before the layer.

    Reads: code/missing_batch_first, code/line/*

    ok: code/missing_batch_first = 64
    bad: code/missing_batch_first = 64 64
    """
    return seen_in_graph(
        signals,
        "missing_batch_first",
        title="batch_first is missing: a sequence layer treats the {value:.0f} examples of the batch as the time steps "
        "of one sequence.",
        evidence="batch_size",
    )


def missing_causal_mask(signals: Signals, facts: Facts) -> Finding | None:
    """The causal mask is missing: a network that predicts the next token is shown that token.

    *Why it matters*: it learns to copy the token. Its loss is excellent, and it cannot generate anything.
    *Known problems*: networks whose attention is written by hand are not judged.
    *Repair*: pass a causal mask, `nn.Transformer.generate_square_subsequent_mask(length)`; a recurrent layer must not
    be bidirectional.

    Reads: code/missing_causal_mask, code/line/*

    ok: code/missing_causal_mask = 1
    bad: code/missing_causal_mask = 1 1
    """
    return seen_in_graph(
        signals,
        "missing_causal_mask",
        title="The causal mask is missing: the targets are the inputs shifted by one, and the network sees future "
        "tokens.",
    )
