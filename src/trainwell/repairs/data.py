"""Repairs of preprocessing and data loading."""

from __future__ import annotations

from trainwell.core.finding import Finding
from trainwell.recipe import Recipe, edit


def standardise_inputs(recipe: Recipe, finding: Finding) -> Recipe:
    """Standardise the inputs to mean 0 and standard deviation 1."""
    return edit(recipe, {"data.prepare": "standardise"})


def more_workers(recipe: Recipe, finding: Finding) -> Recipe:
    """Load batches ahead in twice as many threads, at least two."""
    return edit(recipe, {"data.workers": max(recipe.data.workers, min(16, max(2, 2 * recipe.data.workers)))})
