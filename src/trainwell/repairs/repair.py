"""What a repair is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainwell.core.finding import Finding
from trainwell.recipe import Choices, Recipe, effective


@dataclass(frozen=True)
class Repair:
    """An edit of the recipe that answers a finding.

    Args:
        name: what findings call it, e.g. "lower_rate".
        title: one sentence in the imperative.
        edit: returns the changed recipe, or an equal one if it has nothing (more) to change. The finding may tell
            how much to change; only its evidence is read. It may change settings that have no effect with the
            recipe's network or optimizer: `apply` leaves those out.
    """

    name: str
    title: str
    edit: Callable[[Recipe, Finding], Recipe]

    def apply(self, recipe: Recipe, finding: Finding, *, choices: Choices) -> Recipe:
        """Return the repaired recipe; it differs only in settings that have an effect.

        Args:
            recipe: every setting.
            finding: what is answered.
            choices: what is known of the names that settings choose (`trainwell.fitting.choices()`).
        """
        return effective(recipe, self.edit(recipe, finding), choices=choices)
