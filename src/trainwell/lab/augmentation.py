"""Augmentation: from shifted copies a network learns an invariance that 100 images do not show.

Here objects lie up to one pixel off the centre in any direction. The same network learns 100 images, each at one
position, and the same images at a new random position in every batch. Without augmentation the network memorises the
images: the training loss goes to 0, and the held-out loss rises again. With it the held-out loss keeps falling.

Augmentation helps only where the data vary in the same way. On these digits, which are centred by their scanner,
shifts, rotations and elastic deformations did not lower the held-out loss of this network in five seeds.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from trainwell.core.batch import Batch
from trainwell.core.figure import Axes, Figure, Panel
from trainwell.data.augment.augmentation import Augment
from trainwell.lab.learning import Images, dense, evaluate, images, train, transposed
from trainwell.lab.result import Conditions, Result, at_least, at_most, mean_of, result
from trainwell.lab.seeds import mean_curves

_STEPS = 400
_EVERY = 20


def _shift(pad: Tensor) -> Callable[[Tensor], Tensor]:
    """Return a random shift of (seeds, batch, channels, height, width) by up to one pixel."""

    def shift(inputs: Tensor) -> Tensor:
        # Pixels that enter at the border must be background, so the smallest value is 0 while images move.
        flat = (inputs - pad).flatten(0, 1)
        moved = Augment(shift=1)(Batch({"inputs": flat, "targets": flat[:, 0, 0, 0]}))
        return moved.inputs.view(inputs.shape) + pad

    return shift


def _learn(data: Images, change: Callable[[Tensor], Tensor] | None) -> dict[str, list[list[float]]]:
    """Return training loss, held-out loss and held-out accuracy over time, one list for each seed."""
    model = dense([data.features, 256, 10], seeds=len(data.inputs))
    found: dict[str, list[list[float]]] = {"training": [], "held out": [], "accuracy": []}

    def record(step: int) -> None:
        if step % _EVERY == 0:
            found["training"].append(evaluate(model, data.inputs, targets=data.targets)[0])
            losses, accuracies = evaluate(model, data.held_inputs, targets=data.held_targets)
            found["held out"].append(losses)
            found["accuracy"].append(accuracies)

    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    train(model, data, optimizer=adam, steps=_STEPS, batch=50, after=record, change=change)
    return {name: transposed(values) for name, values in found.items()}


def run(conditions: Conditions) -> Result:
    """Train with and without augmentation."""
    centred = images(conditions, train=100, held=1000)
    shift = _shift(centred.inputs.amin((1, 2, 3, 4), keepdim=True))
    centred = centred._replace(held_inputs=shift(centred.held_inputs))
    plain = _learn(centred._replace(inputs=shift(centred.inputs)), None)
    shifted = _learn(centred, shift)
    panels = [
        Panel(
            title,
            "step",
            "loss",
            mean_curves({name: found[name] for name in ("training", "held out")}, xs=range(_EVERY, _STEPS + 1, _EVERY)),
            axes=Axes(spans=(None, (0.0, 2.5))),
        )
        for title, found in (
            ("Without: the held-out loss rises again", plain),
            ("With shifts: it keeps falling", shifted),
        )
    ]

    def rise(found: dict[str, list[list[float]]]) -> list[float]:
        return [losses[-1] / min(losses) for losses in found["held out"]]

    def gaps(found: dict[str, list[list[float]]]) -> list[float]:
        return [held[-1] - seen[-1] for held, seen in zip(found["held out"], found["training"], strict=True)]

    less = [before - after for before, after in zip(gaps(plain), gaps(shifted), strict=True)]
    ratios = [after[-1] / before[-1] for after, before in zip(shifted["held out"], plain["held out"], strict=True)]
    return result(
        {
            "without shifts: final held-out loss / lowest": (mean_of(rise(plain)), at_least(1.05)),
            "with shifts: final held-out loss / lowest": (mean_of(rise(shifted)), at_most(1.05)),
            "generalisation gap without shifts minus with": (mean_of(less), at_least(0.05)),
            "final held-out loss, with shifts / without": (mean_of(ratios), at_most(0.85)),
            "accuracy with shifts": (mean_of([scores[-1] for scores in shifted["accuracy"]]), at_least(0.6)),
        },
        Figure(
            "Without augmentation 100 images are soon memorised; with shifts the held-out loss ends far lower.",
            tuple(panels),
        ),
        remark=centred.remark,
    )
