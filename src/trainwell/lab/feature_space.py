"""Layer by layer a network moves images of one class together and images of different classes apart.

A network of three hidden layers learns digits; then the activations of held-out images are projected onto their
first two principal components, layer by layer. The measure is the fraction of the variance that lies between the class
means, in the whole space of a layer: it grows with depth until a linear layer can separate the classes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trainwell.core.figure import Curve, Figure, Panel
from trainwell.lab.learning import StackedLinear, dense, evaluate, images, train, transposed
from trainwell.lab.result import Conditions, Result, at_least, at_most, mean_of, result

_SHOWN = 5
_NAMES = ("Input", "After layer 1", "After layer 2", "After layer 3")


def between(features: Tensor, targets: Tensor) -> float:
    """Return the fraction of the variance of features, (N, units), that lies between the class means."""
    centred = features - features.mean(0)
    groups = [centred[targets == label] for label in range(int(targets.max()) + 1) if (targets == label).any()]
    return float(sum(len(group) * group.mean(0).square().sum() for group in groups) / centred.square().sum())


def _projected(features: Tensor, targets: Tensor, *, title: str) -> Panel:
    centred = features - features.mean(0)
    _, _, axes = torch.linalg.svd(centred, full_matrices=False)
    flat = centred @ axes[:2].T
    series = tuple(
        Curve(f"class {label}", tuple((a, b) for a, b in flat[targets == label].tolist()), "dots", label)
        for label in range(_SHOWN)
    )
    return Panel(title, "component 1", "component 2", series)


def run(conditions: Conditions) -> Result:
    """Train, and look at every layer."""
    data = images(conditions, train=1000)
    model = dense([data.features, 64, 64, 64, 10], seeds=conditions.seeds)
    train(model, data, optimizer=torch.optim.Adam(model.parameters(), lr=2e-3), steps=500)
    signal = data.held_inputs.flatten(2)
    fractions = []
    panels: list[Panel] = []
    with torch.no_grad():
        for layer in list(model)[:-1]:
            signal = layer(signal)
            if isinstance(layer, StackedLinear):
                continue  # the linear map; the features are what the non-linearity returns
            found = [between(one, targets) for one, targets in zip(signal, data.held_targets, strict=True)]
            title = f"{_NAMES[len(panels)]}: {found[0]:.0%} between classes"
            panels.append(_projected(signal[0], data.held_targets[0], title=title))
            fractions.append(found)
    rows = transposed(fractions)
    accuracy = evaluate(model, data.held_inputs, targets=data.held_targets)[1]
    return result(
        {
            "fraction between classes, input": (mean_of([row[0] for row in rows]), at_most(0.5)),
            "gain of layer 1": (mean_of([row[1] - row[0] for row in rows]), at_least(0.0)),
            "gain of layer 2": (mean_of([row[2] - row[1] for row in rows]), at_least(0.0)),
            "gain of layer 3": (mean_of([row[3] - row[2] for row in rows]), at_least(0.0)),
            "fraction between classes, layer 3": (mean_of([row[3] for row in rows]), at_least(0.6)),
            "accuracy on held-out images": (mean_of(accuracy), at_least(0.8)),
        },
        Figure("Mixed images become separate clusters, layer by layer. Five of the classes, seed 0.", tuple(panels)),
        remark=data.remark,
    )
