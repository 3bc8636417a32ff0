"""Shifted copies make a network that has few pictures learn more of them and less by heart.

The same network learns 100 pictures, as they are and shifted by up to one pixel each way, drawn anew for every batch.
Without shifts the training loss goes to 0 and the held-out loss turns upwards; with them both stay nearer together.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from trainwell.core.batch import Batch
from trainwell.core.figure import Figure, Panel, curves
from trainwell.data.augment.augmentation import Augment
from trainwell.lab.learning import dense, judge, learn, pictures
from trainwell.lab.result import Conditions, Result, at_least, at_most, result


def run(conditions: Conditions) -> Result:
    """Train with and without shifts."""
    data = pictures(conditions, train=100, held=1000)
    pad = data.inputs.min()

    def shift(inputs: Tensor) -> Tensor:
        # What comes in from outside must be the background, so that the smallest value is 0 while pictures move.
        moved = Augment(shift=1)(Batch({"inputs": inputs - pad, "targets": inputs[:, 0, 0, 0]}))
        return moved.inputs + pad

    ways: dict[str, Callable[[Tensor], Tensor] | None] = {"as they are": None, "shifted": shift}
    losses: dict[str, dict[str, list[float]]] = {name: {"training": [], "held out": []} for name in ways}
    scores = {}
    for name, change in ways.items():
        torch.manual_seed(0)
        model = dense([data.inputs[0].numel(), 256, 10])

        def look(step: int, model: torch.nn.Module = model, found: dict[str, list[float]] = losses[name]) -> None:
            if step % 20 == 0:
                found["training"].append(judge(model, data.inputs, data.targets)[0])
                found["held out"].append(judge(model, data.held_inputs, data.held_targets)[0])

        adam = torch.optim.Adam(model.parameters(), lr=1e-3)
        learn(model, data, adam, steps=600, batch=50, after=look, change=change)
        scores[name] = judge(model, data.held_inputs, data.held_targets)[1]
    titles = {"as they are": "As they are: held-out loss turns upwards", "shifted": "Shifted: it keeps falling"}
    panels = [
        Panel(titles[name], "step", "loss", curves(found, xs=range(20, 601, 20)), spans=(None, (0.0, 2.0)))
        for name, found in losses.items()
    ]
    plain, moved = ([found[kind][-1] for kind in ("training", "held out")] for found in losses.values())
    turned = {name: found["held out"][-1] / min(found["held out"]) for name, found in losses.items()}
    return result(
        {
            "as they are: held-out loss at the end per lowest": (turned["as they are"], at_least(1.05)),
            "shifted: held-out loss at the end per lowest": (turned["shifted"], at_most(1.05)),
            "gap of loss without shifts minus with": (plain[1] - plain[0] - moved[1] + moved[0], at_least(0.05)),
            "held-out loss with shifts per without": (moved[1] / plain[1], at_most(0.85)),
            "accuracy with shifts": (scores["shifted"], at_least(0.6)),
        },
        Figure(
            "Without shifts 100 pictures are soon known by heart; with them the held-out loss ends lower.",
            tuple(panels),
        ),
        data.remark,
    )
