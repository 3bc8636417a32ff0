"""With few and noisy labels the validation loss rises while the training loss falls: restore the best weights.

A wide network learns 300 images, a fifth of whose labels are random. It first learns what the images have in
common, then memorises the label noise. Restoring the weights with the lowest validation loss restores their accuracy.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from trainwell.core.figure import Figure, Level, Panel
from trainwell.lab.learning import Images, dense, evaluate, images, train, transposed
from trainwell.lab.result import Conditions, Result, at_least, at_most, mean_of, near, result
from trainwell.lab.seeds import mean_curve, mean_curves

_STEPS = 800
_EVERY = 10
_CHOOSE = slice(0, 500)
_TEST = slice(500, 1000)


class _LossHistory(NamedTuple):
    """Losses and test accuracy over time for each seed, and the test accuracy of the restored weights."""

    training: list[list[float]]
    validation: list[list[float]]
    test: list[list[float]]
    restored: list[float]

    @property
    def best(self) -> list[int]:
        """Index of the lowest validation loss, for each seed."""
        return [losses.index(min(losses)) for losses in self.validation]


def _noisy(data: Images) -> Images:
    """Replace a fifth of the training labels by random ones."""
    draws = torch.Generator().manual_seed(2)
    wrong = torch.rand(data.targets.shape, generator=draws) < 0.2
    return data._replace(
        targets=torch.where(wrong, torch.randint(10, data.targets.shape, generator=draws), data.targets)
    )


def _learn(data: Images) -> _LossHistory:
    """Train to the end, and keep the weights with the lowest validation loss of every seed."""
    seeds = len(data.inputs)
    model = dense([data.features, 256, 10], seeds=seeds)
    training: list[list[float]] = []
    validation: list[list[float]] = []
    test: list[list[float]] = []
    best = torch.full((seeds,), torch.inf)
    kept = [parameter.detach().clone() for parameter in model.parameters()]

    def record(step: int) -> None:
        if step % _EVERY:
            return
        training.append(evaluate(model, data.inputs, targets=data.targets)[0])
        validation.append(evaluate(model, data.held_inputs[:, _CHOOSE], targets=data.held_targets[:, _CHOOSE])[0])
        test.append(evaluate(model, data.held_inputs[:, _TEST], targets=data.held_targets[:, _TEST])[1])
        better = torch.tensor(validation[-1]) < best
        best[better] = torch.tensor(validation[-1])[better]
        for copy, parameter in zip(kept, model.parameters(), strict=True):
            copy[better] = parameter.detach()[better]

    train(model, data, optimizer=torch.optim.Adam(model.parameters(), lr=2e-3), steps=_STEPS, after=record)
    with torch.no_grad():
        for copy, parameter in zip(kept, model.parameters(), strict=True):
            parameter.copy_(copy)
    restored = evaluate(model, data.held_inputs[:, _TEST], targets=data.held_targets[:, _TEST])[1]
    return _LossHistory(transposed(training), transposed(validation), transposed(test), restored)


def run(conditions: Conditions) -> Result:
    """Train on and on, and restore the best weights."""
    data = _noisy(images(conditions, train=300, held=1000))
    found = _learn(data)
    rows = list(zip(found.best, found.validation, found.test, found.restored, strict=True))
    stop = mean_of([_EVERY * (best + 1.0) for best in found.best])
    mark = (Level(stop.mean, "stop here", vertical=True),)
    steps = range(_EVERY, _STEPS + 1, _EVERY)
    losses = mean_curves({"training": found.training, "validation": found.validation}, xs=steps)
    figure = Figure(
        "The validation loss rises while the training loss still falls; the dotted line marks the weights to keep.",
        (
            Panel("The validation loss rises early", "step", "loss", losses, levels=mark),
            Panel("Test accuracy", "step", "accuracy", (mean_curve("test", found.test, xs=steps),), levels=mark),
        ),
    )
    return result(
        {
            "fraction of the run at the best step": (mean_of([(b + 1) / len(v) for b, v, _, _ in rows]), at_most(0.5)),
            "final validation loss / lowest": (mean_of([v[-1] / v[b] for b, v, _, _ in rows]), at_least(1.2)),
            "test accuracy, restored minus at that step": (mean_of([r - t[b] for b, _, t, r in rows]), near(0)),
            "test accuracy, restored minus final": (mean_of([r - t[-1] for _, _, t, r in rows]), at_least(0.02)),
        },
        figure,
        remark=data.remark + " A fifth of the labels is random.",
    )
