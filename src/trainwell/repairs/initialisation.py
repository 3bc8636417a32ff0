"""Repairs of how the weights start."""

from __future__ import annotations

from trainwell.core.finding import Finding
from trainwell.recipe import Recipe, edit


def he_initialisation(recipe: Recipe, finding: Finding) -> Recipe:
    """Start the weights by He's law, made for rectifiers."""
    return edit(recipe, {"nn.initialisation": "he_normal"})


def xavier_initialisation(recipe: Recipe, finding: Finding) -> Recipe:
    """Start the weights by Glorot's law, made for sigmoid and tanh."""
    return edit(recipe, {"nn.initialisation": "xavier_normal"})
