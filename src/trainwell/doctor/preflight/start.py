"""Checks of the start of training: initial weights, initial loss, first steps."""

from __future__ import annotations

import copy
import functools
import math

import torch
from torch import nn

from trainwell.core.finding import Finding, Severity
from trainwell.doctor.preflight.subject import CheckResult, PreflightSubject, ShortTraining

_ENOUGH = 1.0  # fraction of the examples' targets
_ENOUGH_VARIANCE = 0.5  # of the variance is left: docs/references.md, T20
# sound networks memorise ten examples within 120 steps
_STEPS = 200
_SECONDS = 2.5
# times the first loss
_DIVERGED = 10.0
_FALLING = 0.5
_OTHER_RATES = (1e-3, 1e-2)  # learning rates of Adam: docs/references.md, T20
_MISMATCH = 1e-3  # relative, in float64: docs/references.md, T21
_TENSORS = 12


def initial_loss(subject: PreflightSubject) -> CheckResult:
    """The initial loss is near that of a uniform guess."""
    chance = subject.facts.chance_loss
    numeric = subject.task.is_numeric
    usual, gross = subject.task.initial_loss_limits
    expected = f"at most {usual:g} times chance level"
    if not chance or chance <= 0:
        return CheckResult(None, expected, note="the loss at chance level is unknown")
    reference = chance if numeric else max(chance, math.log(max(2, len(subject.facts.class_counts))))
    batch = subject.seen.slice(0, 128)
    loss = subject.task.loss(subject.answer(subject.copy(), batch), batch).item()
    ratio = loss / reference
    severity = Severity.INFO
    if not ratio <= gross:  # NaN too
        severity = Severity.ERROR if few_can_be_learned(subject).findings else Severity.WARNING
    finding = Finding(
        rule="initial_loss_far_from_chance",
        severity=severity,
        title=f"The initial loss is {loss:.3g}, {ratio:.1f} times that at chance level.",
        evidence={"first_loss": loss, "first_loss_limit": usual * reference, "chance_loss": reference},
        step=0,
        remedies=("he_initialisation", "standardise_inputs"),
    )
    return CheckResult(ratio, expected, () if ratio <= usual else (finding,))


def units_differ(subject: PreflightSubject) -> CheckResult:
    """The units of a layer have different initial weights, or become different within five steps."""
    expected = "0 layers"
    first = _alike(subject.copy())
    still = [name for name in first if name in _alike(subject.warmed)] if first else []
    finding = Finding(
        rule="symmetric_weights",
        severity=Severity.ERROR,
        title=f"Symmetry is not broken: all units of {', '.join(still)} have the same weights, so they stay equal.",
        evidence={"layers_alike": len(still), "layers_alike_limit": 0},
        where=tuple(still),
        explains=("network_cannot_fit", "inputs_not_connected", "constant_outputs", "parameters_not_reached"),
        remedies=("he_initialisation",),
    )
    return CheckResult(len(still), expected, (finding,) if still else ())


def few_can_be_learned(subject: PreflightSubject) -> CheckResult:
    """Ten examples can be memorised.

    If that fails, Adam at two usual learning rates tells whether the cause is the optimizer, or else the network, the
    loss or the labels.
    """
    enough = _ENOUGH_VARIANCE if subject.task.is_numeric else _ENOUGH
    expected = f"at least {enough:.0%} in {_STEPS} steps"
    if len(subject.few) < 2 or bool((subject.few.targets == subject.few.targets[0]).all()):
        return CheckResult(None, expected, note="the first examples all have the same target")
    own = subject.learn_few(None, steps=_STEPS, seconds=_SECONDS)
    known = own.known
    if known >= enough - 1e-6:
        return CheckResult(known, expected)
    if not own.ended:
        return CheckResult(None, expected, note=f"not memorised in {_SECONDS:g} s")
    others = []
    for rate in _OTHER_RATES:
        others.append(subject.learn_few(functools.partial(_adam, rate=rate), steps=2 * _STEPS, seconds=_SECONDS / 2))
        if others[-1].known >= enough - 1e-6:
            return CheckResult(known, expected, (_optimizer_cannot_fit(own, enough, rate=rate),))
    if not all(other.ended for other in others):
        return CheckResult(None, expected, note="neither the planned optimizer nor Adam memorised them in time")
    finding = Finding(
        rule="network_cannot_fit",
        severity=Severity.ERROR,
        title="The network cannot memorise ten examples, whatever the optimizer. Check its layers, its loss and the "
        "labels.",
        evidence={"learned_fraction": known, "learned_fraction_low_limit": enough},
        explains=("initial_loss_far_from_chance", "no_better_than_chance", "underfitting"),
        remedies=("he_initialisation", "relu_activation", "fewer_layers", "less_regularisation", "larger_network"),
    )
    return CheckResult(known, expected, (finding,))


def gradients_are_right(subject: PreflightSubject) -> CheckResult:
    """The gradients are those of the loss: they agree with central differences in float64 (gradient check).

    In each of up to twelve parameters the slope along a random direction is computed by autograd and by
    (L(w + h d) - L(w - h d)) / 2h.
    """
    expected = f"difference at most {_MISMATCH:g}"
    model = copy.deepcopy(subject.parts.model).double().cpu().eval()
    batch = subject.few.slice(0, 8).to("cpu")
    if batch.inputs.is_floating_point():
        batch = batch.replace(inputs=batch.inputs.double())
    names, parameters = zip(*((n, p) for n, p in model.named_parameters() if p.requires_grad), strict=True)

    def loss() -> torch.Tensor:
        torch.manual_seed(0)  # so that a network with random layers draws the same numbers each time
        return subject.task.loss(subject.task.forward(model, batch), batch)

    gradients = torch.autograd.grad(loss(), parameters, allow_unused=True)
    chosen = range(0, len(parameters), -(-len(parameters) // _TENSORS))
    generator = torch.Generator().manual_seed(0)
    largest = max((g.norm().item() for g in gradients if g is not None), default=0.0)
    apart: dict[str, float] = {}
    for number in chosen:
        weight = parameters[number]
        gradient = gradients[number]
        direction = torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
        direction /= direction.norm()
        slope = 0.0 if gradient is None else (gradient * direction).sum().item()
        # A step may cross the kink of a ReLU; two steps of different size hardly ever both do.
        apart[names[number]] = min(
            abs(slope - measured) / max(abs(slope), abs(measured), 1e-4 * largest, 1e-12)
            for measured in (_slope(loss, weight, direction=direction, step=h) for h in (1e-5, 1e-6))
        )
    where = tuple(sorted((name for name in apart if apart[name] > _MISMATCH), key=lambda name: -apart[name]))
    worst = max(apart.values())
    finding = Finding(
        rule="gradient_mismatch",
        severity=Severity.WARNING,
        title=f"The gradient of {where[0] if where else ''} is wrong: it differs from the slope of the loss. Check "
        "custom backward passes, `detach()` and rounding.",
        evidence={"relative_difference": worst, "relative_difference_limit": _MISMATCH},
        where=where,
    )
    return CheckResult(worst, expected, (finding,) if where else ())


def _slope(loss: object, weight: torch.Tensor, *, direction: torch.Tensor, step: float) -> float:
    values = []
    assert callable(loss)
    with torch.no_grad():
        before = weight.clone()
        for sign in (1, -1):
            weight.copy_(before + sign * step * direction)
            values.append(loss().item())
        weight.copy_(before)
    return float(values[0] - values[1]) / (2 * step)


def _adam(model: nn.Module, *, rate: float) -> torch.optim.Optimizer:
    return torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=rate)


def _optimizer_cannot_fit(own: ShortTraining, enough: float, *, rate: float) -> Finding:
    severity = Severity.WARNING
    if not own.loss <= _DIVERGED:
        severity = Severity.ERROR
    elif own.loss < _FALLING:  # it is learning, only slower than the check lasts
        severity = Severity.INFO
    return Finding(
        rule="optimizer_cannot_fit",
        severity=severity,
        title=f"The planned optimizer does not memorise ten examples in {_STEPS} steps, but Adam with learning rate "
        f"{rate:g} does. Check the optimizer and its learning rate.",
        evidence={
            "learned_fraction": own.known,
            "learned_fraction_low_limit": enough,
            "loss_fraction": own.loss,
            "loss_fraction_limit": _FALLING,
        },
        explains=("initial_loss_far_from_chance", "no_better_than_chance", "underfitting"),
        remedies=("raise_rate", "lower_rate") if own.loss <= 1 else ("lower_rate", "clip_gradients"),
    )


def _alike(model: nn.Module) -> list[str]:
    """Return the names of the weights whose rows are all equal, without the last weight."""
    weights = [
        (f"{path}.weight".lstrip("."), module.weight)
        for path, module in model.named_modules()
        if isinstance(module, (nn.Linear, nn.modules.conv._ConvNd))
    ]
    return [
        name
        for name, weight in weights[:-1]
        if len(weight) > 1 and torch.allclose(weight, weight[:1].expand_as(weight), rtol=1e-6, atol=1e-12)
    ]
