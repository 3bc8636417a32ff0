from __future__ import annotations

import pytest

from trainwell.core.finding import Finding, Severity
from trainwell.fitting import choices
from trainwell.nn import ACTIVATIONS
from trainwell.recipe import Recipe, edit
from trainwell.repairs import REPAIRS, network

FINDING = Finding("any", Severity.ERROR, "")


def applied(name: str, recipe: Recipe, finding: Finding) -> Recipe:
    return REPAIRS[name].apply(recipe, finding, choices=choices())


def test_width_of_the_model_in_use() -> None:
    recipe = edit(Recipe(), {"nn.hidden": (100, 3)})
    assert applied("smaller_network", recipe, FINDING).nn.hidden == (50, 3)
    assert applied("larger_network", recipe, FINDING).nn.hidden == (200, 6)
    residual = edit(Recipe(), {"nn.model": "resnet20", "nn.width": 16})
    assert applied("smaller_network", residual, FINDING).nn.width == 8
    assert applied("larger_network", residual, FINDING).nn.hidden == residual.nn.hidden
    published = edit(Recipe(), {"nn.model": "resnet18"})
    assert applied("smaller_network", published, FINDING).nn.width_factor == 0.5
    assert applied("smaller_network", published, FINDING).nn.width == published.nn.width


def test_a_model_of_fixed_size_is_left_alone() -> None:
    recipe = edit(Recipe(), {"nn.model": "lenet5"})
    assert applied("smaller_network", recipe, FINDING) == recipe


def test_fewer_layers_keeps_one() -> None:
    recipe = edit(Recipe(), {"nn.hidden": (5, 4, 3)})
    assert applied("fewer_layers", recipe, FINDING).nn.hidden == (5, 4)
    assert applied("fewer_layers", edit(Recipe(), {"nn.hidden": (5,)}), FINDING).nn.hidden == (5,)
    residual = edit(Recipe(), {"nn.model": "resnet20"})
    assert applied("fewer_layers", residual, FINDING) == residual


@pytest.mark.parametrize("name", ["relu_activation", "leaky_relu_activation", "gelu_activation"])
def test_activations_are_in_the_catalogue(name: str) -> None:
    recipe = edit(Recipe(), {"nn.activation": "tanh"})
    assert getattr(network, name)(recipe, FINDING).nn.activation in ACTIVATIONS
