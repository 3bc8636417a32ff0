"""What a repair is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainwell.core.finding import Finding
from trainwell.recipe import Recipe


@dataclass(frozen=True)
class Repair:
    """A cure: an edit of the recipe.

    Args:
        name: what findings call it by, e.g. "lower_rate".
        title: one sentence in the imperative.
        edit: returns the changed recipe, or an equal one if it has nothing (more) to change. The finding may tell
            how much to change; only its evidence is read.
    """

    name: str
    title: str
    edit: Callable[[Recipe, Finding], Recipe]
