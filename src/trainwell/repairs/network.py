"""Repairs of the network: its size, depth and activation function."""

from __future__ import annotations

from trainwell.core.finding import Finding
from trainwell.recipe import Recipe, edit
from trainwell.recipe.schema import SETTINGS

_NARROWEST = 4


def smaller_network(recipe: Recipe, finding: Finding) -> Recipe:
    """Halve the width of every hidden layer or stage."""
    return _widened(recipe, 0.5)


def larger_network(recipe: Recipe, finding: Finding) -> Recipe:
    """Double the width of every hidden layer or stage."""
    return _widened(recipe, 2.0)


def fewer_layers(recipe: Recipe, finding: Finding) -> Recipe:
    """Remove half of the hidden layers."""
    return edit(recipe, {"nn.hidden": recipe.nn.hidden[: (len(recipe.nn.hidden) + 1) // 2]})


def relu_activation(recipe: Recipe, finding: Finding) -> Recipe:
    """Use ReLU, whose gradient does not vanish, with He initialisation."""
    return edit(recipe, {"nn.activation": "relu", "nn.initialisation": "he_normal"})


def leaky_relu_activation(recipe: Recipe, finding: Finding) -> Recipe:
    """Use leaky ReLU, whose units cannot die."""
    return edit(recipe, {"nn.activation": "leaky_relu"})


def gelu_activation(recipe: Recipe, finding: Finding) -> Recipe:
    """Use GELU, a smooth variant of ReLU."""
    return edit(recipe, {"nn.activation": "gelu"})


def _widened(recipe: Recipe, factor: float) -> Recipe:
    """Change every kind of width: the network uses one of them."""

    def widen(width: int) -> int:
        return max(min(width, _NARROWEST), int(width * factor))

    limits = SETTINGS["nn.width_factor"].limits
    return edit(
        recipe,
        {
            "nn.hidden": tuple(map(widen, recipe.nn.hidden)),
            "nn.width": widen(recipe.nn.width),
            "nn.width_factor": min(limits.high, max(limits.low, recipe.nn.width_factor * factor)),
        },
    )
