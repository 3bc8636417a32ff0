"""Architectures by name: each entry builds a network from a recipe, the shape of one example and the outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from torch import nn

from trainwell.core.catalogue import Catalogue
from trainwell.nn.activations import ACTIVATIONS
from trainwell.nn.zoo.alexnet import alexnet as alexnet
from trainwell.nn.zoo.deepface import deepface as deepface
from trainwell.nn.zoo.googlenet import googlenet as googlenet
from trainwell.nn.zoo.inception_v3 import inception_v3 as inception_v3
from trainwell.nn.zoo.lenet5 import lenet5 as lenet5
from trainwell.nn.zoo.mlp import logistic as logistic
from trainwell.nn.zoo.mlp import mlp as mlp
from trainwell.nn.zoo.mobilenet import mobilenet as mobilenet
from trainwell.nn.zoo.resnet import resnet as resnet
from trainwell.nn.zoo.resnet import resnet20 as resnet20
from trainwell.nn.zoo.resnet9 import resnet9 as resnet9
from trainwell.nn.zoo.vgg import vgg as vgg
from trainwell.nn.zoo.zfnet import zfnet as zfnet
from trainwell.recipe.sections import NetworkRecipe

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


def _small(build: Callable[..., nn.Module]) -> Build:
    """Adapt a builder whose width is a number of channels."""
    return lambda recipe, shape, outputs: build(input_shape=shape, outputs=outputs, width=recipe.width)


def _wide(build: Callable[..., nn.Module]) -> Build:
    """Adapt a builder whose width is a factor, and that has no dropout."""
    return lambda recipe, shape, outputs: build(input_shape=shape, outputs=outputs, width=recipe.width_factor)


def _dropped(build: Callable[..., nn.Module]) -> Build:
    """Adapt a builder whose width is a factor, with dropout."""
    return lambda recipe, shape, outputs: build(
        input_shape=shape, outputs=outputs, width=recipe.width_factor, dropout=recipe.dropout
    )


MODELS: Catalogue[Build] = Catalogue(
    "model",
    {
        "mlp": _mlp,
        "logistic": _logistic,
        "lenet": _lenet5,
        "lenet5": _lenet5,
        "alexnet": _dropped(alexnet),
        "zfnet": _dropped(zfnet),
        "vgg16": _dropped(partial(vgg, depth=16)),
        "vgg19": _dropped(partial(vgg, depth=19)),
        "googlenet": _dropped(googlenet),
        "inception_v3": _dropped(inception_v3),
        "resnet9": _small(resnet9),
        "resnet20": _small(resnet20),
        **{f"resnet{depth}": _wide(partial(resnet, depth=depth)) for depth in (18, 34, 50, 101, 152)},
        "mobilenet": _dropped(mobilenet),
        "deepface": _dropped(deepface),
    },
)

PUBLISHED: Mapping[str, tuple[tuple[int, int, int], int]] = {
    "lenet": ((1, 28, 28), 10),
    "lenet5": ((1, 28, 28), 10),
    "alexnet": ((3, 227, 227), 1000),
    "inception_v3": ((3, 299, 299), 1000),
    "resnet9": ((3, 32, 32), 10),
    "resnet20": ((3, 32, 32), 10),
    "deepface": ((3, 152, 152), 4030),
    **{
        name: ((3, 224, 224), 1000)
        for name in MODELS
        if name in ("zfnet", "vgg16", "vgg19", "googlenet", "mobilenet")
        or name in [f"resnet{depth}" for depth in (18, 34, 50, 101, 152)]
    },
}
"""The input and the number of classes of each network's paper."""
