"""Ten classes from two-class classifiers: ten of one against the rest, or 45 of one against one, beside softmax.

All are linear and equally regularised. One-vs-rest asks every class for its own probability and takes the largest;
one-vs-one lets n(n-1)/2 classifiers, each trained on the pictures of two classes only, vote; softmax learns all classes
with one loss. They end up about equally good: softmax does it with one model and honest probabilities.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from trainwell.core.figure import Figure, Panel, curve
from trainwell.lab.learning import pictures
from trainwell.lab.result import Conditions, Result, at_least, at_most, near, result


def _fit(inputs: Tensor, loss: Callable[[Tensor], Tensor], outputs: int) -> Tensor:
    """Return the weights, (features, outputs), that minimise a loss of the outputs plus a little decay."""
    weight = torch.zeros(inputs.shape[1], outputs, requires_grad=True)
    adam = torch.optim.Adam([weight], lr=0.02)
    for _ in range(300):
        adam.zero_grad()
        (loss(inputs @ weight) + 1e-3 * weight.square().sum()).backward()  # type: ignore[no-untyped-call]
        adam.step()
    return weight.detach()


def votes(outputs: Tensor, pairs: Tensor, classes: int) -> Tensor:
    """Count the votes, (N, classes), of one-vs-one outputs, (N, pairs): above 0 for a pair's first class.

    >>> votes(torch.tensor([[1.0, -1.0, 2.0]]), torch.tensor([[0, 1], [0, 2], [1, 2]]), 3)
    tensor([[1., 1., 1.]])
    """
    first, second = F.one_hot(pairs[:, 0], classes).float(), F.one_hot(pairs[:, 1], classes).float()
    won = (outputs > 0).float()
    return won @ first + (1 - won) @ second


def run(conditions: Conditions) -> Result:
    """Fit all three, and score them on held-out pictures."""
    data = pictures(conditions, train=1000)
    inputs, held = (F.pad(part.flatten(1), (0, 1), value=1.0) for part in (data.inputs, data.held_inputs))
    targets, classes = data.targets, int(data.targets.max()) + 1
    hot = F.one_hot(targets, classes).float()
    pairs = torch.tensor(list(itertools.combinations(range(classes), 2)))
    first, second = targets[:, None] == pairs[:, 0], targets[:, None] == pairs[:, 1]

    def one_vs_one(outputs: Tensor) -> Tensor:
        each = F.binary_cross_entropy_with_logits(outputs, first.float(), reduction="none")
        concerned = (first | second).float()
        return ((each * concerned).sum(0) / concerned.sum(0)).sum()

    softmax = held @ _fit(inputs, lambda outputs: F.cross_entropy(outputs, targets), classes)
    rest = held @ _fit(inputs, lambda outputs: F.binary_cross_entropy_with_logits(outputs, hot) * classes, classes)
    ballots = votes(held @ _fit(inputs, one_vs_one, len(pairs)), pairs, classes)
    answers = {"softmax": softmax, "one-vs-rest": rest, "one-vs-one": ballots}
    scores = {name: float((answer.argmax(1) == data.held_targets).float().mean()) for name, answer in answers.items()}
    counts = {"softmax": 1.0, "one-vs-rest": float(classes), "one-vs-one": float(len(pairs))}
    ties = float((ballots == ballots.amax(1, keepdim=True)).sum(1).gt(1).float().mean())
    bars = [curve("", found.values(), kind="bars", colour=number) for number, found in enumerate((scores, counts))]
    names, whole = tuple(scores), (None, (0.0, 1.1))
    figure = Figure(
        "Three ways from two classes to ten: about the same accuracy, from 1, 10 and 45 models.",
        (
            Panel("Accuracy on held-out pictures", "way", "accuracy", (bars[0],), spans=whole, categories=names),
            Panel("Models to train", "way", "models", (bars[1],), categories=names),
        ),
    )
    return result(
        {
            "classifiers, one-vs-rest": (counts["one-vs-rest"], near(classes)),
            "classifiers, one-vs-one": (counts["one-vs-one"], near(classes * (classes - 1) / 2)),
            "accuracy, worst of the three": (min(scores.values()), at_least(0.75)),
            "best minus worst accuracy": (max(scores.values()) - min(scores.values()), at_most(0.05)),
            "share of tied votes": (ties, at_most(0.1)),
        },
        figure,
        data.remark,
    )
