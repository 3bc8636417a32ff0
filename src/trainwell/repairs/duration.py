"""Repairs of the length of a run."""

from __future__ import annotations

from trainwell.core.finding import Finding
from trainwell.recipe import Recipe, edit


def train_longer(recipe: Recipe, finding: Finding) -> Recipe:
    """Train for twice as many epochs."""
    return edit(recipe, {"train.epochs": 2 * recipe.train.epochs})
