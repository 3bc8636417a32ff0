"""Batch norm lets deep networks learn at high rates; with batches of one to four its statistics are too noisy.

Left: a network of eight layers, with and without batch norm at the same learning rate (Ioffe and Szegedy 2015). Right:
two hidden layers, trained on equally many images in batches of 1 to 32, the rate in proportion. One example has no
variance, so batch norm refuses a batch of 1 (accuracy 0 here); of two examples it keeps only which one is larger.
Group norm computes its statistics within each example and does not depend on the batch size (Wu and He 2018).
"""

from __future__ import annotations

import torch
from torch import nn

from trainwell.core.figure import Axes, Figure, Panel
from trainwell.lab.learning import Images, StackedNorm, evaluate, images, linear, train
from trainwell.lab.result import Conditions, Result, at_least, at_most, mean_of, result
from trainwell.lab.seeds import mean_curve, mean_curves

_WIDTH = 64
_SIZES = (1, 2, 4, 8, 32)


def _batch_norm(seeds: int) -> StackedNorm:
    return StackedNorm(nn.BatchNorm1d(seeds * _WIDTH))


def _deep(data: Images, *, order: str) -> nn.Sequential:
    """Build eight layers for every seed, with batch norm before, after or without the non-linearity."""
    torch.manual_seed(0)
    seeds = len(data.inputs)
    layers: list[nn.Module] = [nn.Flatten(2)]
    for number in range(8):
        layers.append(linear(seeds, _WIDTH if number else data.features, outputs=_WIDTH))
        if order == "before":
            layers.append(_batch_norm(seeds))
        layers.append(nn.ReLU())
        if order == "after":
            layers.append(_batch_norm(seeds))
    return nn.Sequential(*layers, linear(seeds, _WIDTH, outputs=10))


def _scores(data: Images, norm: str, *, batch: int, seen: int) -> list[float]:
    """Return the held-out accuracy of every seed after `seen` images in batches of this size."""
    seeds = len(data.inputs)
    if norm == "batch" and batch == 1:
        return [0.0] * seeds
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Flatten(2)]
    for width in (data.features, _WIDTH):
        group = StackedNorm(nn.GroupNorm(seeds * 8, seeds * _WIDTH))
        layers += [linear(seeds, width, outputs=_WIDTH), _batch_norm(seeds) if norm == "batch" else group, nn.ReLU()]
    model = nn.Sequential(*layers, linear(seeds, _WIDTH, outputs=10))
    descent = torch.optim.SGD(model.parameters(), lr=0.1 * batch / 32, momentum=0.9)
    train(model, data, optimizer=descent, steps=seen // batch, batch=batch)
    return evaluate(model, data.held_inputs, targets=data.held_targets)[1]


def run(conditions: Conditions) -> Result:
    """Train with and without, and with smaller and smaller batches."""
    data = images(conditions, train=1000)
    losses = {}
    for name, order in {"without": "none", "before ReLU": "before", "after ReLU": "after"}.items():
        model = _deep(data, order=order)
        losses[name] = train(model, data, optimizer=torch.optim.SGD(model.parameters(), lr=0.1), steps=200)
    seen = 20_000 if conditions.full else 1_000
    scores = {norm: [_scores(data, norm, batch=size, seen=seen) for size in _SIZES] for norm in ("batch", "group")}
    bars = tuple(
        mean_curve(f"{norm} norm", list(zip(*found, strict=True)), kind="bars", colour=number)
        for number, (norm, found) in enumerate(scores.items())
    )
    sizes = tuple(map(str, _SIZES))
    figure = Figure(
        "Eight layers learn nothing without batch norm. In batches of 1 to 4 it fails or lags; group norm does not.",
        (
            Panel("Eight layers at rate 0.1 need batch norm", "step", "training loss", mean_curves(losses)),
            Panel("In tiny batches batch norm fails", "batch size", "accuracy", bars, axes=Axes(categories=sizes)),
        ),
    )

    def last(name: str) -> list[float]:
        return [sum(values[-20:]) / 20 for values in losses[name]]

    def lost(size: int) -> list[float]:
        at = _SIZES.index(size)
        return [group - batch for group, batch in zip(scores["group"][at], scores["batch"][at], strict=True)]

    spreads = [max(values) - min(values) for values in zip(*scores["group"], strict=True)]
    return result(
        {
            "loss after 200 steps, without": (mean_of(last("without")), at_least(2.0)),
            "loss after 200 steps, before ReLU": (mean_of(last("before ReLU")), at_most(0.5)),
            "accuracy lost by batch norm at batch 2": (mean_of(lost(2)), at_least(0.1)),
            "accuracy lost by batch norm at batch 32": (mean_of(lost(32)), at_most(0.02)),
            "group norm, best minus worst": (mean_of(spreads), at_most(0.1)),
        },
        figure,
        remark=data.remark,
    )
