"""[nn]: the network."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from trainwell.recipe.sections.setting import AT_LEAST_ONE, FRACTION, Limits, Note, OnlyWith, Values, setting

_BY_NETWORK = OnlyWith("nn.model")  # a network says itself which settings it uses
_BATCH_STATISTICS = ("batch", "decorrelated")


@dataclass(frozen=True)
class NetworkRecipe:
    """The network."""

    model: str = setting("mlp", "architecture", limits=Limits(catalogue="model"), population="network")
    hidden: tuple[int, ...] = setting(
        (128, 128),
        "units of each hidden layer (mlp)",
        limits=AT_LEAST_ONE,
        unit="units",
        note=Note(
            formula="units of each layer",
            use="wider before deeper for tables",
            cost="weights grow with products",
            lab=("universal_approximation",),
        ),
        only_with=_BY_NETWORK,
        population="network",
    )
    width: int = setting(
        16,
        "channels of the first stage (resnet9, resnet20)",
        limits=AT_LEAST_ONE,
        unit="channels",
        only_with=_BY_NETWORK,
        population="network",
    )
    width_factor: float = setting(
        1.0,
        "multiplies the channels of every layer (alexnet ... deepface)",
        limits=Limits(low=0.01, high=8),
        only_with=_BY_NETWORK,
        population="network",
    )
    activation: str = setting(
        "relu",
        "activation function",
        limits=Limits(catalogue="activation"),
        only_with=_BY_NETWORK,
        population="network",
    )
    normalisation: str = setting(
        "as_designed",
        "normalisation of hidden layers",
        limits=Limits(catalogue="normalisation"),
        only_with=_BY_NETWORK,
    )
    normalise: str = setting(
        "before",
        "normalise before or after the activation function",
        limits=Limits(words=("before", "after")),
        note=Note(
            formula="before: f(norm(Wx)); after: norm(f(Wx))",
            use="before is the paper's; try both",
            cost="none",
            lab=("batch_norm",),
        ),
        population="network",
    )
    dropout: float = setting(
        0.0,
        "probability of dropping a hidden unit",
        limits=FRACTION,
        note=Note(
            formula="training: y = mask x / (1 - p); prediction: y = x",
            use="0.2 to 0.5 in wide hidden layers that overfit",
            cost="slower learning; harmful beside batch norm and in small networks",
            lab=("dropout_ensemble",),
        ),
        only_with=_BY_NETWORK,
        population="varies",
    )
    classic_dropout: bool = setting(
        False,
        "dropout scales units down at prediction instead of up in training",
        note=Note(
            formula="training: mask x; prediction: (1 - p) x",
            use="to follow old papers",
            cost="none",
            lab=("dropout_ensemble",),
        ),
        only_with=OnlyWith("nn.dropout", off=0.0),
    )
    dropconnect: float = setting(
        0.0,
        "probability of dropping a connection of a hidden dense layer",
        limits=FRACTION,
        note=Note(
            formula="each weight of a hidden dense layer is dropped with probability p for each example",
            use="instead of dropout in wide dense layers",
            cost="batch x inputs x outputs numbers of memory",
            lab=("dropconnect",),
        ),
        only_with=_BY_NETWORK,
    )
    pooling: str = setting(
        "as_designed",
        "pooling of windows",
        limits=Limits(catalogue="pooling"),
        only_with=_BY_NETWORK,
    )
    initialisation: str = setting(
        "he_normal",
        "initialisation of the weights",
        limits=Limits(catalogue="initialisation"),
        only_with=_BY_NETWORK,
        population="varies",
    )
    initial_bias: float = setting(
        0.0,
        "initial bias of hidden layers; 0.01 keeps ReLU units alive at first",
        note=Note(
            formula="b = value",
            use="0.01 where ReLU units are dead at the start",
            cost="none",
            lab=("dying_relu",),
        ),
        population="network",
    )
    embedding: int = setting(
        128,
        "features of a token",
        limits=AT_LEAST_ONE,
        unit="features",
        only_with=OnlyWith("nn.model"),
        population="network",
    )
    bidirectional: bool = setting(
        False,
        "read sequences in both directions",
        only_with=OnlyWith("nn.model"),
        population="network",
    )
    heads: int = setting(
        4,
        "heads of each attention",
        limits=AT_LEAST_ONE,
        only_with=OnlyWith("nn.model"),
        population="network",
    )
    pool_over_time: str = setting(
        "max",
        "how the positions of a sequence become one: last, mean or max",
        limits=Limits(words=("last", "mean", "max")),
        only_with=OnlyWith("nn.model"),
        population="network",
    )


def relations(values: Values) -> Iterator[str]:
    """Yield what is wrong between the settings of this section and others."""
    normalisation = values["nn.normalisation"]
    batch = values["train.batch_size"]
    smallest = min(batch, values["train.micro_batch"] or batch)
    if normalisation in _BATCH_STATISTICS and smallest == 1:
        key = "train.batch_size" if batch == 1 else "train.micro_batch"
        yield (
            f"{key} must be at least 2 for nn.normalisation = {normalisation!r}, got 1: a single example has no "
            "variance. Use larger batches, or nn.normalisation = 'group'."
        )
    if normalisation == "weight" and math.isfinite(values["optim.max_norm"]):
        yield (
            f"optim.max_norm must be inf for nn.normalisation = 'weight', got {values['optim.max_norm']:g}: weight "
            "normalisation learns the length that max-norm would limit. Choose one of them."
        )
    if normalisation == "weight" and values["nn.dropconnect"]:
        yield (
            f"nn.dropconnect must be 0 for nn.normalisation = 'weight', got {values['nn.dropconnect']:g}. "
            "Choose one of them."
        )
