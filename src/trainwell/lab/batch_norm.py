"""Batch norm lets deep networks learn at bold rates; with batches of one to four its statistics are too noisy.

Left: a network of eight layers, with and without batch norm at the same rate (Ioffe and Szegedy 2015). Right: two
hidden layers, trained on equally many pictures in batches of 1 to 32, the rate in proportion. One example has no
variance, so that batch norm refuses a batch of 1 (accuracy 0 here); of two it keeps only which one is larger. Group
norm does not look at the batch at all and does not care (Wu and He 2018).
"""

from __future__ import annotations

import torch
from torch import nn

from trainwell.core.figure import Figure, Panel, curve, curves
from trainwell.lab.learning import Pictures, judge, learn, pictures
from trainwell.lab.result import Conditions, Result, at_least, at_most, result


def _deep(inputs: int, *, order: str) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    for number in range(8):
        layers.append(nn.Linear(64 if number else inputs, 64))
        if order == "before":
            layers.append(nn.BatchNorm1d(64))
        layers.append(nn.ReLU())
        if order == "after":
            layers.append(nn.BatchNorm1d(64))
    return nn.Sequential(*layers, nn.Linear(64, 10))


def _normalised(inputs: int, norm: str) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    for width in (inputs, 64):
        layers.append(nn.Linear(width, 64))
        layers.append(nn.BatchNorm1d(64) if norm == "batch" else nn.GroupNorm(8, 64))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.Linear(64, 10))


def _score(data: Pictures, norm: str, batch: int, seen: int) -> float:
    if norm == "batch" and batch == 1:
        return 0.0
    torch.manual_seed(0)
    model = _normalised(data.inputs[0].numel(), norm)
    descent = torch.optim.SGD(model.parameters(), lr=0.1 * batch / 32, momentum=0.9)
    learn(model, data, descent, steps=seen // batch, batch=batch)
    return judge(model, data.held_inputs, data.held_targets)[1]


def run(conditions: Conditions) -> Result:
    """Train with and without, and with smaller and smaller batches."""
    data = pictures(conditions, train=1000)
    losses = {}
    for name, order in {"without": "none", "before ReLU": "before", "after ReLU": "after"}.items():
        torch.manual_seed(0)
        model = _deep(data.inputs[0].numel(), order=order)
        losses[name] = learn(model, data, torch.optim.SGD(model.parameters(), lr=0.1), steps=200)
    sizes = (1, 2, 3, 4, 8, 32)
    seen = 20_000 if conditions.full else 2_000
    scores = {norm: [_score(data, norm, size, seen) for size in sizes] for norm in ("batch", "group")}
    bars = tuple(curve(f"{norm} norm", found, kind="bars", colour=i) for i, (norm, found) in enumerate(scores.items()))
    figure = Figure(
        "Eight layers learn nothing without batch norm. In batches of 1 to 4 it fails or lags; group norm does not.",
        (
            Panel("Eight layers at rate 0.1 need batch norm", "step", "loss", curves(losses)),
            Panel(
                "In tiny batches batch norm fails",
                "pictures in a batch",
                "accuracy",
                bars,
                categories=tuple(map(str, sizes)),
            ),
        ),
    )
    return result(
        {
            "loss after 200 steps, without": (sum(losses["without"][-20:]) / 20, at_least(2.0)),
            "loss after 200 steps, before ReLU": (sum(losses["before ReLU"][-20:]) / 20, at_most(0.5)),
            "accuracy lost by batch norm at batch 2": (scores["group"][1] - scores["batch"][1], at_least(0.1)),
            "accuracy lost by batch norm at batch 32": (scores["group"][5] - scores["batch"][5], at_most(0.02)),
            "group norm, best minus worst": (max(scores["group"]) - min(scores["group"]), at_most(0.1)),
        },
        figure,
        data.remark,
    )
