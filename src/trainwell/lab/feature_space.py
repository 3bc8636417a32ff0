"""Layer by layer a network moves pictures of one class together and those of others apart.

A network of three hidden layers learns digits; then the activations of held-out pictures are projected onto their two
main axes, layer by layer. What counts is the share of all variance that lies between the classes' means, in the whole
space of the layer: it grows with depth until a linear layer can cut the classes apart.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trainwell.core.figure import Figure, Panel, Series
from trainwell.lab.learning import dense, judge, learn, pictures
from trainwell.lab.result import Conditions, Result, at_least, at_most, result

_SHOWN = 5


def between(features: Tensor, targets: Tensor) -> float:
    """Return the share of the variance of features, (N, units), that lies between the means of the classes."""
    centred = features - features.mean(0)
    groups = [centred[targets == label] for label in range(int(targets.max()) + 1) if (targets == label).any()]
    return float(sum(len(group) * group.mean(0).square().sum() for group in groups) / centred.square().sum())


def _projected(features: Tensor, targets: Tensor, name: str) -> Panel:
    centred = features - features.mean(0)
    _, _, axes = torch.linalg.svd(centred, full_matrices=False)
    flat = centred @ axes[:2].T
    series = tuple(
        Series(f"class {label}", tuple((a, b) for a, b in flat[targets == label].tolist()), "dots", label)
        for label in range(_SHOWN)
    )
    return Panel(name, "first main axis", "second main axis", series)


def run(conditions: Conditions) -> Result:
    """Train, and look at every layer."""
    data = pictures(conditions, train=1000)
    model = dense([data.inputs[0].numel(), 64, 64, 64, 10])
    learn(model, data, torch.optim.Adam(model.parameters(), lr=2e-3), steps=500)
    shares, panels = [], []
    signal, number = data.held_inputs.flatten(1), 0
    names = ("Pictures as they are", "After layer 1", "After layer 2", "After layer 3")
    with torch.no_grad():
        for layer in list(model)[:-1]:
            signal = layer(signal)
            if not isinstance(layer, torch.nn.Linear):
                shares.append(between(signal, data.held_targets))
                panels.append(
                    _projected(signal, data.held_targets, f"{names[number]}: {shares[-1]:.0%} between classes")
                )
                number += 1
    return result(
        {
            "share between classes, input": (shares[0], at_most(0.5)),
            "gain of layer 1": (shares[1] - shares[0], at_least(0.0)),
            "gain of layer 2": (shares[2] - shares[1], at_least(0.0)),
            "gain of layer 3": (shares[3] - shares[2], at_least(0.0)),
            "share between classes, layer 3": (shares[3], at_least(0.6)),
            "accuracy on held-out pictures": (judge(model, data.held_inputs, data.held_targets)[1], at_least(0.8)),
        },
        Figure("Mixed pictures become separate clouds, layer by layer (five of the classes are shown).", tuple(panels)),
        data.remark,
    )
