"""Rules on the graph from the loss back to the parameters, and on operations that give NaN or Inf."""

from __future__ import annotations

import math

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.consequences import CONSEQUENCES
from trainwell.rules.layers import median_over_layers, of_weights
from trainwell.rules.locations import line_of
from trainwell.rules.persistence import persists

_READINGS = 3  # docs/references.md, T26.
_DIVERGED = 100.0  # A loss that has grown so much breaks in whatever operation overflows first.


def detached_loss(signals: Signals, facts: Facts) -> Finding | None:
    """The loss is detached: it depends on no parameter.

    *Why it matters*: there is nothing to learn from. PyTorch refuses the backward pass, or it reaches no parameter.
    *Known problems*: none known.
    *Repair*: compute the loss from the network's output itself, outside `torch.no_grad()`, without `.item()`,
    `.detach()`, `.numpy()`, `.argmax()` or `torch.tensor(...)`.

    Reads: code/error/no_gradient, code/loss_without_graph, code/line/*

    ok: code/line/backward/train.py = 57
    bad: code/error/no_gradient = 1
    bad: code/loss_without_graph = 1 1 1
    """
    was_refused = "code/error/no_gradient" in signals
    if not was_refused and not persists(signals, "code/loss_without_graph", readings=_READINGS):
        return None
    return Finding(
        rule="detached_loss",
        severity=Severity.ERROR,
        title="The loss is detached: it depends on no parameter, because the graph is cut or all parameters are "
        "frozen.",
        where=line_of(signals, "error", "backward"),
        explains=("gradient_missing", *CONSEQUENCES),
    )


def graph_used_twice(signals: Signals, facts: Facts) -> Finding | None:
    """Backward through the graph a second time: the loss depends on an earlier batch, whose graph has been freed.

    *Why it matters*: a tensor is carried over from step to step, and PyTorch refuses the backward pass.
    *Known problems*: none known.
    *Repair*: detach the hidden state between batches, `state = state.detach()`; call `backward()` once for each loss.

    Reads: code/error/freed_graph, code/line/*

    ok: code/line/backward/train.py = 57
    bad: code/error/freed_graph = 1
    """
    return _refused(
        signals,
        "graph_used_twice",
        error="freed_graph",
        title="Backward through the graph a second time: the loss depends on an earlier batch, whose graph has been "
        "freed.",
    )


def inplace_modification(signals: Signals, facts: Facts) -> Finding | None:
    """A tensor needed for the backward pass was modified by an in-place operation.

    *Why it matters*: the gradient can no longer be computed, and PyTorch refuses the backward pass.
    *Known problems*: none known.
    *Repair*: write `x = x + y` for `x += y`, and `nn.ReLU()` for `nn.ReLU(inplace=True)`, where `x` is used again.

    Reads: code/error/overwritten, code/line/*

    ok: code/line/backward/train.py = 57
    bad: code/error/overwritten = 1
    """
    return _refused(
        signals,
        "inplace_modification",
        error="overwritten",
        title="A tensor needed for the backward pass was modified by an in-place operation.",
    )


def nonfinite_operation(signals: Signals, facts: Facts) -> Finding | None:
    """The first NaN or Inf comes from a known operation.

    *Why it matters*: NaN and Inf spread to everything that is computed from them; only their origin can be repaired.
    *Known problems*: none known. Weights that an earlier step broke, and losses that diverged before, are left to the
    rules on learning rates.
    *Repair*: keep the operation in its domain: `torch.log(x.clamp(min=1e-8))`, `x / (y + 1e-8)`, `log_softmax` for
    `log(softmax)`; drop examples that are not finite.

    Reads: code/nonfinite/*, loss/train, update/ratio/*, code/line/*

    ok: code/nonfinite/weights = 1
    ok: code/nonfinite/exp after head = 0 0.2; loss/train = 2.3; update/ratio/head.weight = 4
    ok: code/nonfinite/mul after head = 0.1; loss/train = 2.3 900 8e20
    ok: code/nonfinite/mse loss after head = 1; loss/train = 4e8; chance_loss = 1.0
    bad: code/nonfinite/log after head = 0.1
    """
    origins = [name for name in signals.under("code/nonfinite") if name != "weights"]
    if not origins or _has_diverged(signals, facts):
        return None
    fractions = signals[f"code/nonfinite/{origins[0]}"]
    began = next((step for step, share in fractions if share), 0)
    updates = median_over_layers(of_weights(signals.under("update/ratio")))
    if any(ratio > 1 for step, ratio in updates if step < began):  # A step had thrown the weights beyond their size.
        return None
    return Finding(
        rule="nonfinite_operation",
        severity=Severity.ERROR,
        title=f"NaN or Inf: the operation {origins[0]} is the first to return a non-finite value.",
        evidence={"nonfinite_fraction": fractions.last, "nonfinite_fraction_limit": 0.0},
        where=(*origins, *line_of(signals, "backward")),
        step=began,
        explains=tuple(name for name in CONSEQUENCES if name != "symmetric_weights"),
    )


def _has_diverged(signals: Signals, facts: Facts) -> bool:
    """Tell whether the last finite loss is a hundred times the first one, or the chance level."""
    losses = [value for value in signals["loss/train"].values if math.isfinite(value)]
    usual = min((abs(loss) for loss in (*losses[:1], facts.chance_loss or math.inf)), default=math.inf)
    return bool(losses) and losses[-1] > _DIVERGED * usual


def _refused(signals: Signals, rule: str, *, error: str, title: str) -> Finding | None:
    """Make a finding of an error with which PyTorch has refused the backward pass."""
    if f"code/error/{error}" not in signals:
        return None
    return Finding(
        rule=rule,
        severity=Severity.ERROR,
        title=title,
        where=line_of(signals, "error", "backward"),
        explains=CONSEQUENCES,
    )
