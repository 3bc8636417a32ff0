"""Gradient check: central differences agree with a correct gradient to seven digits, and with a wrong one not at all.

A two-layer tanh network with its backward pass written by hand; the planted bug omits the factor 1 - tanh². The error
of (L(w + h) - L(w - h)) / 2h falls with h² until rounding error, about 1e-16 / h, dominates: the best h is near 1e-5.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from trainwell.core.figure import LOG_BOTH, Axes, Curve, Figure, Panel, curves
from trainwell.lab.result import Conditions, Result, at_least, at_most, result
from trainwell.lab.seeds import means, repeat


def _loss(weights: Tensor, inputs: Tensor, *, targets: Tensor) -> Tensor:
    first = weights[:35].view(7, 5)
    second = weights[35:].view(3, 7)
    return 0.5 * (torch.tanh(inputs @ first.T) @ second.T - targets).square().sum() / len(inputs)


def _backward(weights: Tensor, inputs: Tensor, *, targets: Tensor, bug: bool) -> Tensor:
    first = weights[:35].view(7, 5)
    second = weights[35:].view(3, 7)
    hidden = torch.tanh(inputs @ first.T)
    error = (hidden @ second.T - targets) / len(inputs)
    behind = error @ second if bug else (error @ second) * (1 - hidden**2)
    return torch.cat([(behind.T @ inputs).flatten(), (error.T @ hidden).flatten()])


def _differences(weights: Tensor, inputs: Tensor, *, targets: Tensor, h: float) -> Tensor:
    steps = torch.eye(len(weights), dtype=weights.dtype) * h
    above = torch.stack([_loss(weights + step, inputs, targets=targets) for step in steps])
    below = torch.stack([_loss(weights - step, inputs, targets=targets) for step in steps])
    return (above - below) / (2 * h)


def _error(gradient: Tensor, measured: Tensor) -> float:
    return float((gradient - measured).norm() / (gradient.norm() + measured.norm()))


_STEPS = [10.0 ** (-power / 2) for power in range(2, 25)]
_CORRECT = "correct"
_BUG = "planted bug"


class _GradientErrors(NamedTuple):
    """Gradients by name, central differences at h = 1e-5, and the relative error at every h by name."""

    gradients: dict[str, Tensor]
    measured: Tensor
    errors: dict[str, list[float]]


def _once() -> _GradientErrors:
    """Check a correct and a wrong backward pass of a random network with many step sizes."""
    inputs = torch.randn(20, 5, dtype=torch.float64)
    targets = torch.randn(20, 3, dtype=torch.float64)
    weights = torch.randn(35 + 21, dtype=torch.float64)
    gradients = {name: _backward(weights, inputs, targets=targets, bug=name == _BUG) for name in (_CORRECT, _BUG)}
    errors: dict[str, list[float]] = {name: [] for name in gradients}
    for h in _STEPS:
        measured = _differences(weights, inputs, targets=targets, h=h)
        for name, gradient in gradients.items():
            errors[name].append(_error(gradient, measured))
    return _GradientErrors(gradients, _differences(weights, inputs, targets=targets, h=1e-5), errors)


def _numbers(run: _GradientErrors) -> dict[str, float]:
    return {
        "correct: relative error at h = 1e-5": _error(run.gradients[_CORRECT], run.measured),
        "planted bug: relative error at h = 1e-5": _error(run.gradients[_BUG], run.measured),
        "correct: error at h = 1e-2 / error at h = 1e-3": run.errors[_CORRECT][2] / run.errors[_CORRECT][4],
    }


def _figure(run: _GradientErrors) -> Figure:
    """Draw both gradients of one network, and their errors over h."""
    dots = tuple(
        Curve(name, tuple((float(m), float(g)) for m, g in zip(run.measured, gradient, strict=True)), "dots", number)
        for number, (name, gradient) in enumerate(run.gradients.items())
    )
    low = float(run.measured.min())
    high = float(run.measured.max())
    diagonal = Curve("", ((low, low), (high, high)), "line", -1)
    errors = curves(run.errors, xs=_STEPS)
    return Figure(
        "The correct gradient lies on the diagonal and agrees to seven digits at h = 1e-5; the bug shows at every h.",
        (
            Panel("Gradient of every weight", "by central differences", "by backpropagation", (*dots, diagonal)),
            Panel("Relative error over the step size h", "h", "relative error", errors, axes=Axes(logs=LOG_BOTH)),
        ),
    )


def run(conditions: Conditions) -> Result:
    """Check a correct and a wrong backward pass of several networks."""
    runs = repeat(conditions, _once)
    found = means([_numbers(one) for one in runs])
    expected = {
        "correct: relative error at h = 1e-5": at_most(1e-7),
        "planted bug: relative error at h = 1e-5": at_least(1e-2),
        "correct: error at h = 1e-2 / error at h = 1e-3": at_least(90),
    }
    return result({name: (found[name], wanted) for name, wanted in expected.items()}, _figure(runs[0]))
