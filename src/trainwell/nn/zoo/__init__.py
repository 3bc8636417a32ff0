"""Architectures by name: each entry builds a network from a recipe, the shape of one example and the outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn

from trainwell.core.catalogue import Catalogue
from trainwell.nn.activations import ACTIVATIONS
from trainwell.nn.zoo.lenet5 import lenet5 as lenet5
from trainwell.nn.zoo.mlp import logistic as logistic
from trainwell.nn.zoo.mlp import mlp as mlp
from trainwell.nn.zoo.resnet import resnet20 as resnet20
from trainwell.recipe.schema import NetworkRecipe

Build = Callable[[NetworkRecipe, Sequence[int], int], nn.Module]


def _mlp(recipe: NetworkRecipe, input_shape: Sequence[int], outputs: int) -> nn.Module:
    activation = ACTIVATIONS[recipe.activation]
    return mlp(
        input_shape=input_shape, outputs=outputs, hidden=recipe.hidden, activation=activation, dropout=recipe.dropout
    )


def _logistic(recipe: NetworkRecipe, input_shape: Sequence[int], outputs: int) -> nn.Module:
    return logistic(input_shape=input_shape, outputs=outputs)


def _lenet5(recipe: NetworkRecipe, input_shape: Sequence[int], outputs: int) -> nn.Module:
    return lenet5(input_shape=input_shape, outputs=outputs, activation=ACTIVATIONS[recipe.activation])


def _resnet20(recipe: NetworkRecipe, input_shape: Sequence[int], outputs: int) -> nn.Module:
    return resnet20(input_shape=input_shape, outputs=outputs, width=recipe.width)


MODELS: Catalogue[Build] = Catalogue(
    "model", {"mlp": _mlp, "logistic": _logistic, "lenet5": _lenet5, "resnet20": _resnet20}
)
