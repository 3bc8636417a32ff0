"""Repairs of how the data reach the network."""

from __future__ import annotations

from trainwell.core.finding import Finding
from trainwell.recipe import Recipe, edit


def standardise_inputs(recipe: Recipe, finding: Finding) -> Recipe:
    """Bring the inputs to zero mean and unit deviation."""
    return edit(recipe, {"data.prepare": "standardise"})


def more_workers(recipe: Recipe, finding: Finding) -> Recipe:
    """Make batches ahead in twice as many threads, at least two."""
    return edit(recipe, {"data.workers": max(recipe.data.workers, min(16, max(2, 2 * recipe.data.workers)))})
