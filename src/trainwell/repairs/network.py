"""Repairs of the network: its size, depth and non-linearity."""

from __future__ import annotations

from trainwell.core.finding import Finding
from trainwell.recipe import Recipe, edit, holds

_NARROWEST = 4


def smaller_network(recipe: Recipe, finding: Finding) -> Recipe:
    """Halve the width of every hidden layer or stage."""
    return _widened(recipe, 0.5)


def larger_network(recipe: Recipe, finding: Finding) -> Recipe:
    """Double the width of every hidden layer or stage."""
    return _widened(recipe, 2.0)


def fewer_layers(recipe: Recipe, finding: Finding) -> Recipe:
    """Take out half of the hidden layers."""
    if recipe.nn.model != "mlp":
        return recipe
    return edit(recipe, {"nn.hidden": recipe.nn.hidden[: (len(recipe.nn.hidden) + 1) // 2]})


def relu_activation(recipe: Recipe, finding: Finding) -> Recipe:
    """Use ReLU, whose slope does not fade, with He's first weights."""
    return edit(recipe, {"nn.activation": "relu", "nn.initialisation": "he_normal"})


def leaky_relu_activation(recipe: Recipe, finding: Finding) -> Recipe:
    """Use the leaky ReLU, whose units cannot die."""
    return edit(recipe, {"nn.activation": "leaky_relu"})


def gelu_activation(recipe: Recipe, finding: Finding) -> Recipe:
    """Use GELU, a smooth rectifier."""
    return edit(recipe, {"nn.activation": "gelu"})


def _widened(recipe: Recipe, factor: float) -> Recipe:
    def widen(width: int) -> int:
        return max(min(width, _NARROWEST), int(width * factor))

    if recipe.nn.model == "mlp":
        return edit(recipe, {"nn.hidden": tuple(map(widen, recipe.nn.hidden))})
    model = {"nn.model": recipe.nn.model}
    if holds("nn.width", model):
        return edit(recipe, {"nn.width": widen(recipe.nn.width)})
    if holds("nn.width_factor", model):
        return edit(recipe, {"nn.width_factor": min(8.0, recipe.nn.width_factor * factor)})
    return recipe
