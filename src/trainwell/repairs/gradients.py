"""Repairs of the gradients."""

from __future__ import annotations

from trainwell.core.finding import Finding
from trainwell.recipe import Recipe, edit


def clip_gradients(recipe: Recipe, finding: Finding) -> Recipe:
    """Clip the gradient norm at twice its median, or at 1 if that is unknown; halve an existing limit."""
    if recipe.train.clip_norm:
        return edit(recipe, {"train.clip_norm": recipe.train.clip_norm / 2})
    median = finding.evidence.get("median_norm", 0.5)  # docs/references.md, T49
    return edit(recipe, {"train.clip_norm": float(f"{2 * median:.3g}")})
