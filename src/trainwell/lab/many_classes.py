"""Ten classes from binary classifiers: one-vs-rest trains 10, one-vs-one 45; softmax does as well with one model.

All are linear and equally regularised. One-vs-rest asks every class for its own probability and takes the largest;
one-vs-one trains n(n-1)/2 classifiers, each on the images of two classes only, and lets them vote; softmax learns all
classes with one loss. They are about equally accurate, but only softmax gives probabilities that add up to 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from trainwell.core.figure import Axes, Figure, Panel, curve
from trainwell.lab.learning import images
from trainwell.lab.result import Conditions, Result, at_least, at_most, mean_of, near, result
from trainwell.lab.seeds import mean_curve

_WAYS = ("softmax", "one-vs-rest", "one-vs-one")


class _Split(NamedTuple):
    """Images of one seed as rows with a constant 1, (N, features), and their classes."""

    inputs: Tensor
    targets: Tensor
    held_inputs: Tensor
    held_targets: Tensor


def _fit(inputs: Tensor, loss: Callable[[Tensor], Tensor], *, outputs: int) -> Tensor:
    """Return the weights, (features, outputs), that minimise a loss of the outputs plus a little weight decay."""
    weight = torch.zeros(inputs.shape[1], outputs, requires_grad=True)
    adam = torch.optim.Adam([weight], lr=0.02)
    for _ in range(300):
        adam.zero_grad()
        (loss(inputs @ weight) + 1e-3 * weight.square().sum()).backward()  # type: ignore[no-untyped-call]
        adam.step()
    return weight.detach()


def votes(outputs: Tensor, pairs: Tensor, *, classes: int) -> Tensor:
    """Count the votes, (N, classes), of one-vs-one outputs, (N, pairs): above 0 for the first class of a pair.

    >>> votes(torch.tensor([[1.0, -1.0, 2.0]]), torch.tensor([[0, 1], [0, 2], [1, 2]]), classes=3)
    tensor([[1., 1., 1.]])
    """
    first = F.one_hot(pairs[:, 0], classes).float()
    second = F.one_hot(pairs[:, 1], classes).float()
    won = (outputs > 0).float()
    return won @ first + (1 - won) @ second


def _outputs(split: _Split, classes: int, *, pairs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the held-out scores of every class, (N, classes), by softmax, one-vs-rest and one-vs-one."""
    targets = split.targets
    hot = F.one_hot(targets, classes).float()
    first = targets[:, None] == pairs[:, 0]
    concerned = (first | (targets[:, None] == pairs[:, 1])).float()

    def one_vs_one(outputs: Tensor) -> Tensor:
        each = F.binary_cross_entropy_with_logits(outputs, first.float(), reduction="none")
        return ((each * concerned).sum(0) / concerned.sum(0)).sum()

    def one_vs_rest(outputs: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(outputs, hot) * classes

    softmax = split.held_inputs @ _fit(split.inputs, lambda outputs: F.cross_entropy(outputs, targets), outputs=classes)
    rest = split.held_inputs @ _fit(split.inputs, one_vs_rest, outputs=classes)
    each = split.held_inputs @ _fit(split.inputs, one_vs_one, outputs=len(pairs))
    return softmax, rest, votes(each, pairs, classes=classes)


def run(conditions: Conditions) -> Result:
    """Fit all three, and score them on held-out images."""
    data = images(conditions, train=1000)
    classes = int(data.targets.max()) + 1
    pairs = torch.tensor(list(itertools.combinations(range(classes), 2)))
    rows = [F.pad(part.flatten(2), (0, 1), value=1.0) for part in (data.inputs, data.held_inputs)]
    scores: list[list[float]] = []
    ties = []
    for split in map(_Split, rows[0], data.targets, rows[1], data.held_targets):
        outputs = _outputs(split, classes, pairs=pairs)
        scores.append([float((one.argmax(1) == split.held_targets).float().mean()) for one in outputs])
        ballots = outputs[2]
        ties.append(float((ballots == ballots.amax(1, keepdim=True)).sum(1).gt(1).float().mean()))
    counts = (1, classes, len(pairs))
    models = curve("", counts, kind="bars", colour=1)
    figure = Figure(
        "Softmax, one-vs-rest and one-vs-one are about equally accurate, with 1, 10 and 45 models.",
        (
            Panel(
                "Accuracy on held-out images",
                "method",
                "accuracy",
                (mean_curve("", scores, kind="bars"),),
                axes=Axes(spans=(None, (0.0, 1.1)), categories=_WAYS),
            ),
            Panel("Models to train", "method", "models", (models,), axes=Axes(categories=_WAYS)),
        ),
    )
    return result(
        {
            "classifiers, one-vs-rest": (counts[1], near(classes)),
            "classifiers, one-vs-one": (counts[2], near(classes * (classes - 1) / 2)),
            "accuracy, worst of the three": (mean_of([min(row) for row in scores]), at_least(0.75)),
            "best minus worst accuracy": (mean_of([max(row) - min(row) for row in scores]), at_most(0.05)),
            "fraction of tied votes": (mean_of(ties), at_most(0.1)),
        },
        figure,
        remark=data.remark,
    )
