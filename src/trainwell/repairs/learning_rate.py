"""Repairs of the learning rate by factors of three, until the updates have a healthy size."""

from __future__ import annotations

import math

from trainwell.core.finding import Finding
from trainwell.recipe import Recipe, edit

# docs/references.md, T48: healthy updates are 2.8e-4 to 2e-2 of the weights' norm in a step.
_SMALLEST_UPDATE = 2.8e-4
_LARGEST_UPDATE = 0.03
_MOST_STEPS = 10


def lower_rate(recipe: Recipe, finding: Finding) -> Recipe:
    """Lower the learning rate to a third, repeatedly until updates are below 3 % of the weights.

    >>> from trainwell.core.finding import Severity
    >>> finding = Finding("learning_rate_too_high", Severity.ERROR, "", evidence={"update_ratio": 0.2})
    >>> round(lower_rate(edit(Recipe(), {"optim.learning_rate": 0.9}), finding).optim.learning_rate, 6)
    0.1
    """
    return _scaled(recipe, 3.0 ** -_thirds(finding.evidence.get("update_ratio", 0.0) / _LARGEST_UPDATE))


def raise_rate(recipe: Recipe, finding: Finding) -> Recipe:
    """Raise the learning rate threefold, repeatedly until updates reach 0.03 % of the weights; at most to 1."""
    too_small = _SMALLEST_UPDATE / max(finding.evidence.get("update_ratio", _SMALLEST_UPDATE), 1e-12)
    return _scaled(recipe, 3.0 ** _thirds(too_small))


def _thirds(excess: float) -> int:
    """Return how many factors of three make up for an excess, at least one."""
    needed = math.ceil(math.log(excess, 3)) if 1 < excess < math.inf else 1
    return min(max(1, needed), _MOST_STEPS)


def _scaled(recipe: Recipe, factor: float) -> Recipe:
    rate = recipe.optim.learning_rate
    return edit(recipe, {"optim.learning_rate": float(f"{min(rate * factor, max(rate, 1.0)):.6g}")})
