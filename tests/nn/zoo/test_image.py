"""One sentence for every input that does not fit, and the law of the output volume (docs/curriculum.md, H1)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.errors import ImageError, UsageError
from trainwell.core.facts import InputFacts
from trainwell.nn import MODELS
from trainwell.nn.zoo.image import grid, image
from trainwell.recipe.sections import NetworkRecipe

SMALLEST = {
    "alexnet": 67,
    "zfnet": 53,
    "vgg16": 32,
    "googlenet": 32,
    "inception_v3": 75,
    "mobilenet": 32,
    "deepface": 72,
}


@pytest.mark.parametrize(("name", "side"), list(SMALLEST.items()))
def test_the_smallest_image_works_and_a_smaller_one_is_one_sentence(name: str, side: int) -> None:
    recipe = NetworkRecipe(width_factor=0.05)
    assert MODELS[name].build(recipe, InputFacts((2, side, side + 3)), 3)(torch.zeros(2, 2, side, side + 3)).shape == (
        2,
        3,
    )
    needs = f"{name} needs images of at least {side}x{side}, got inputs of shape 3x"
    with pytest.raises(ImageError, match=needs) as caught:
        MODELS[name].build(recipe, InputFacts((3, side, side - 1)), 3)
    assert caught.value.smallest == side


def test_channels_last_is_recognised() -> None:
    with pytest.raises(UsageError, match="channels x height x width, got 227x227x3. Give 3x227x227."):
        image("alexnet", (227, 227, 3), smallest=67)


@pytest.mark.parametrize("ceil", [False, True])
def test_grid_is_what_the_layers_leave(ceil: bool) -> None:
    layers = nn.Sequential(nn.Conv2d(1, 1, (3, 5), stride=(1, 2), padding=1), nn.MaxPool2d(3, 2, ceil_mode=ceil))
    for size in ((20, 31), (17, 16)):
        assert grid(layers, size) == tuple(layers(torch.zeros(1, 1, *size)).shape[2:])
