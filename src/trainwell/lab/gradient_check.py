"""Central differences agree with a right gradient to seven digits, and with a wrong one not at all.

A two-layer tanh network with its backward pass written by hand; the planted bug forgets the factor 1 - tanh². The error
of (L(w + h) - L(w - h)) / 2h falls with h² until rounding, about 1e-16 / h, takes over: the best h lies near 1e-5.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trainwell.core.figure import LOG_BOTH, Figure, Panel, Series, curves
from trainwell.lab.result import Conditions, Result, at_least, at_most, result


def _loss(weights: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
    first, second = weights[:35].view(7, 5), weights[35:].view(3, 7)
    return 0.5 * (torch.tanh(inputs @ first.T) @ second.T - targets).square().sum() / len(inputs)


def _backward(weights: Tensor, inputs: Tensor, targets: Tensor, *, bug: bool) -> Tensor:
    first, second = weights[:35].view(7, 5), weights[35:].view(3, 7)
    hidden = torch.tanh(inputs @ first.T)
    error = (hidden @ second.T - targets) / len(inputs)
    behind = error @ second if bug else (error @ second) * (1 - hidden**2)
    return torch.cat([(behind.T @ inputs).flatten(), (error.T @ hidden).flatten()])


def _differences(weights: Tensor, inputs: Tensor, targets: Tensor, h: float) -> Tensor:
    steps = torch.eye(len(weights), dtype=weights.dtype) * h
    return torch.stack([_loss(weights + s, inputs, targets) - _loss(weights - s, inputs, targets) for s in steps]) / (
        2 * h
    )


def _error(gradient: Tensor, measured: Tensor) -> float:
    return float((gradient - measured).norm() / (gradient.norm() + measured.norm()))


def run(conditions: Conditions) -> Result:
    """Check a right and a wrong backward pass with many step sizes."""
    inputs, targets = torch.randn(20, 5, dtype=torch.float64), torch.randn(20, 3, dtype=torch.float64)
    weights = torch.randn(35 + 21, dtype=torch.float64)
    gradients = {
        name: _backward(weights, inputs, targets, bug=name == "planted bug") for name in ("right", "planted bug")
    }
    steps = [10.0 ** (-power / 2) for power in range(2, 25)]
    errors: dict[str, list[float]] = {name: [] for name in gradients}
    for h in steps:
        measured = _differences(weights, inputs, targets, h)
        for name, gradient in gradients.items():
            errors[name].append(_error(gradient, measured))
    at = _differences(weights, inputs, targets, 1e-5)
    dots = tuple(
        Series(name, tuple((float(m), float(g)) for m, g in zip(at, gradient, strict=True)), "dots", number)
        for number, (name, gradient) in enumerate(gradients.items())
    )
    ends = (float(at.min()), float(at.max()))
    figure = Figure(
        "The right gradient lies on the diagonal and agrees to seven digits at h = 1e-5; the bug shows at every h.",
        (
            Panel("Every weight's slope, twice", "by central differences", "by the backward pass",
                  (*dots, Series("", ((ends[0], ends[0]), (ends[1], ends[1])), "line", -1))),
            Panel("Relative error over the step h", "h", "relative error", curves(errors, xs=steps), logs=LOG_BOTH),
        ),
    )  # fmt: skip
    return result(
        {
            "right: relative error at h = 1e-5": (_error(gradients["right"], at), at_most(1e-7)),
            "planted bug: relative error at h = 1e-5": (_error(gradients["planted bug"], at), at_least(1e-2)),
            "right: error at h = 1e-2 per h = 1e-3": (errors["right"][2] / errors["right"][4], at_least(90)),
        },
        figure,
    )
