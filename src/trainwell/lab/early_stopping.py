"""With few and partly wrong labels validation gets worse while training gets better: stop there, and restore the best.

A wide network learns 300 pictures a fifth of whose labels are random. It first learns what pictures have in common,
then the mistakes by heart. Keeping the weights of the best validation loss keeps the accuracy of that moment.
"""

from __future__ import annotations

import copy

import torch

from trainwell.core.figure import Figure, Level, Panel, curves
from trainwell.lab.learning import dense, judge, learn, pictures
from trainwell.lab.result import Conditions, Result, at_least, at_most, near, result


def run(conditions: Conditions) -> Result:
    """Train on and on, and remember the best moment."""
    data = pictures(conditions, train=300, held=1000)
    wrong = torch.rand(300, generator=torch.Generator().manual_seed(2)) < 0.2
    targets = torch.where(wrong, torch.randint(10, (300,)), data.targets)
    data = data._replace(targets=targets)
    choose, test = slice(0, 500), slice(500, 1000)
    model = dense([data.inputs[0].numel(), 256, 10])
    losses: dict[str, list[float]] = {"training": [], "validation": []}
    scores, best, kept = [], float("inf"), copy.deepcopy(model.state_dict())

    def look(step: int) -> None:
        nonlocal best, kept
        if step % 10:
            return
        losses["training"].append(judge(model, data.inputs, data.targets)[0])
        losses["validation"].append(judge(model, data.held_inputs[choose], data.held_targets[choose])[0])
        scores.append(judge(model, data.held_inputs[test], data.held_targets[test])[1])
        if losses["validation"][-1] < best:
            best, kept = losses["validation"][-1], copy.deepcopy(model.state_dict())

    learn(model, data, torch.optim.Adam(model.parameters(), lr=2e-3), steps=800, after=look)
    when = losses["validation"].index(best)
    end = scores[-1]
    model.load_state_dict(kept)
    restored = judge(model, data.held_inputs[test], data.held_targets[test])[1]
    steps = range(10, 801, 10)
    stop = Level(10.0 * (when + 1), "stop here", vertical=True)
    figure = Figure(
        "Validation loss turns while training loss still falls; the weights of the dotted line are the ones to keep.",
        (
            Panel("Validation loss turns early", "step", "loss", curves(losses, xs=steps), levels=(stop,)),
            Panel(
                "Test accuracy is near its best there",
                "step",
                "accuracy",
                curves({"test": scores}, xs=steps),
                levels=(stop,),
            ),  # fmt: skip
        ),
    )
    return result(
        {
            "share of the run at the best moment": ((when + 1) / len(scores), at_most(0.5)),
            "validation loss at the end per best": (losses["validation"][-1] / best, at_least(1.2)),
            "test accuracy restored minus at that moment": (restored - scores[when], near(0)),
            "test accuracy restored minus at the end": (restored - end, at_least(0.02)),
        },
        figure,
        data.remark + " A fifth of the labels is random.",
    )
