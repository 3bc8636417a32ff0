"""Multi-layer perceptron; without hidden layers it is logistic regression."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import nn

from trainwell.nn.activations import ACTIVATIONS
from trainwell.nn.zoo.network import ALWAYS, HIDDEN, Network


def mlp(
    *,
    input_shape: Sequence[int],
    outputs: int,
    hidden: Sequence[int],
    activation: Callable[[], nn.Module] = nn.ReLU,
    dropout: float = 0.0,
) -> nn.Module:
    """Build a stack of fully connected layers.

    Args:
        input_shape: shape of one example; it is flattened.
        outputs: number of outputs per example (logits).
        hidden: units of each hidden layer; empty gives logistic regression.
        activation: builds the non-linearity after each hidden layer.
        dropout: probability of dropping a hidden unit during training (Srivastava et al. 2014).

    >>> import torch
    >>> mlp(input_shape=(1, 8, 8), outputs=10, hidden=[100])(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 10])
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    width = math.prod(input_shape)
    if len(input_shape) > 1:
        layers["flatten"] = nn.Flatten()
    for number, units in enumerate(hidden, start=1):
        layers[f"fc{number}"] = nn.Linear(width, units)
        layers[f"activation{number}"] = activation()
        if dropout:
            layers[f"dropout{number}"] = nn.Dropout(dropout)
        width = units
    layers["head"] = nn.Linear(width, outputs)
    return nn.Sequential(layers)


def logistic(*, input_shape: Sequence[int], outputs: int) -> nn.Module:
    """Build a single linear layer: logistic, softmax or linear regression, depending on the loss of the task.

    >>> sum(p.numel() for p in logistic(input_shape=(30,), outputs=1).parameters())
    31
    """
    return mlp(input_shape=input_shape, outputs=outputs, hidden=())


MLP = Network(
    build=lambda settings, facts, outputs: mlp(
        input_shape=facts.shape,
        outputs=outputs,
        hidden=settings.hidden,
        activation=ACTIVATIONS[settings.activation],
        dropout=settings.dropout,
    ),
    page=mlp,
    uses=(*HIDDEN, "nn.hidden"),
)
LOGISTIC = Network(
    build=lambda settings, facts, outputs: logistic(input_shape=facts.shape, outputs=outputs),
    page=logistic,
    uses=ALWAYS,
)
