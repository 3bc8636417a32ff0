"""Rules on parameters that are left out of training."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.consequences import CONSEQUENCES
from trainwell.rules.locations import line_of
from trainwell.rules.persistence import persistent_under, persists

# docs/references.md, T26 and T23.
_READINGS = 3
_LITTLE = 0.01
_STALE = 0.5


def stale_optimizer(signals: Signals, facts: Facts) -> Finding | None:
    """The optimizer holds the parameters of another network than the one that is trained.

    *Why it matters*: it updates tensors that nobody uses. This happens when the network is created again, or replaced
    by a copy, after the optimizer was created.
    *Known problems*: none known.
    *Repair*: create the optimizer after the network is final: `optimizer = type(optimizer)(model.parameters(), ...)`.

    Reads: code/stale_fraction, code/line/*

    ok: code/stale_fraction = 0 0 0
    bad: code/stale_fraction = 1 1 1
    """
    stale = persists(signals, "code/stale_fraction", readings=_READINGS)
    if stale is None or stale < _STALE:
        return None
    return Finding(
        rule="stale_optimizer",
        severity=Severity.ERROR,
        title=f"The optimizer holds the parameters of another network: {stale:.0%} of its parameters are not part of "
        f"the network that is trained (limit {_STALE:.0%}).",
        evidence={"stale_fraction": stale, "stale_fraction_limit": _STALE},
        where=line_of(signals, "optimizer", "step"),
        step=0,
        explains=("parameters_not_in_optimizer", *CONSEQUENCES),
    )


def parameters_not_in_optimizer(signals: Signals, facts: Facts) -> Finding | None:
    """Parameters receive a gradient, but no optimizer holds them.

    *Why it matters*: they keep their random initial values, and computing their gradient is wasted.
    *Known problems*: a pretrained part that is kept as it is on purpose; freeze it, and training is faster too. Where
    weights were loaded, and where less than 1 % of the network is concerned, it is a hint.
    *Repair*: pass `model.parameters()` to the optimizer, or freeze what must not change:
    `part.requires_grad_(False)`.

    Reads: code/parameters_not_in_optimizer/*, code/weights_loaded, code/line/*

    ok: code/parameters_not_in_optimizer/fc1.weight = 0.4 0 0
    hint: code/parameters_not_in_optimizer/fc1.weight = 0.4 0.4 0.4; code/weights_loaded = 1
    bad: code/parameters_not_in_optimizer/fc1.weight = 0.4 0.4 0.4
    """
    return _left_out(
        signals,
        "parameters_not_in_optimizer",
        severity=Severity.INFO if signals["code/weights_loaded"] else Severity.ERROR,
        title="Parameters are missing from the optimizer: {name} has a gradient, but no optimizer holds it "
        "({share:.1%} of all parameters, limit {limit:.0%}).",
        line=line_of(signals, "optimizer"),
    )


def gradient_missing(signals: Signals, facts: Facts) -> Finding | None:
    """Layers run and are in the optimizer, but no gradient reaches them.

    *Why it matters*: the graph from the loss is cut (`detach()`, `no_grad`, `.data`, NumPy, `argmax`), so they never
    learn.
    *Known problems*: a head whose output the loss leaves out. Less than 1 % of the network is a hint only.
    *Repair*: stay with tensors: no `.detach()`, `.data`, `.numpy()` or `torch.no_grad()` between layer and loss.

    Reads: code/gradient_missing/*, code/line/*

    ok: code/gradient_missing/pooler.weight = 0.4 0 0.4
    hint: code/gradient_missing/pooler.weight = 0.004 0.004 0.004
    bad: code/gradient_missing/fc1.weight = 0.4 0.4 0.4
    """
    return _left_out(
        signals,
        "gradient_missing",
        severity=Severity.ERROR,
        title="No gradient: {name} is used in the forward pass, but no gradient reaches it "
        "({share:.1%} of all parameters, limit {limit:.0%}).",
        line=line_of(signals, "forward"),
    )


def frozen_untrained(signals: Signals, facts: Facts) -> Finding | None:
    """Frozen layers are untrained: they keep their random initial weights.

    *Why it matters*: freezing keeps what a layer has learned, and these layers have learned nothing.
    *Known problems*: random projections that are meant.
    *Repair*: load pretrained weights before freezing, or train the layers: `layer.requires_grad_(True)`.

    Reads: code/frozen_untrained/*

    ok: code/frozen_untrained/fc1 = 0.004
    bad: code/frozen_untrained/fc1 = 0.4
    """
    frozen = persistent_under(signals, "code/frozen_untrained", readings=1)
    share = sum(frozen.values())
    if share <= _LITTLE:
        return None
    where = tuple(frozen)
    return Finding(
        rule="frozen_untrained",
        severity=Severity.WARNING,
        title=f"Frozen layers are untrained: {where[0]} keeps its random initial weights "
        f"({share:.1%} of all parameters, limit {_LITTLE:.0%}).",
        evidence={"parameter_fraction": share, "parameter_fraction_limit": _LITTLE},
        where=where,
        step=0,
        explains=CONSEQUENCES,
    )


def _left_out(signals: Signals, rule: str, *, severity: Severity, title: str, line: tuple[str, ...]) -> Finding | None:
    """Make a finding of parameters that are left out at every reading, as a share of the whole network."""
    found = persistent_under(signals, f"code/{rule}", readings=_READINGS)
    if not found:
        return None
    share = sum(found.values())
    return Finding(
        rule=rule,
        severity=severity if share > _LITTLE else Severity.INFO,
        title=title.format(name=next(iter(found)), share=share, limit=_LITTLE),
        evidence={"parameter_fraction": share, "parameter_fraction_limit": _LITTLE},
        where=(*found, *line),
        step=0,
        explains=CONSEQUENCES,
    )
