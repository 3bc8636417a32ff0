"""Repairs of the initialisation of the weights."""

from __future__ import annotations

from trainwell.core.finding import Finding
from trainwell.recipe import Recipe, edit


def he_initialisation(recipe: Recipe, finding: Finding) -> Recipe:
    """Use He initialisation, meant for ReLU."""
    return edit(recipe, {"nn.initialisation": "he_normal"})


def xavier_initialisation(recipe: Recipe, finding: Finding) -> Recipe:
    """Use Xavier (Glorot) initialisation, meant for sigmoid and tanh."""
    return edit(recipe, {"nn.initialisation": "xavier_normal"})
