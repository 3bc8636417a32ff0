"""[watch]: what monitoring may cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trainwell.core.budget import OVERHEAD_BUDGET
from trainwell.recipe.sections.setting import FRACTION, Values, setting


@dataclass(frozen=True)
class MonitorRecipe:
    """What monitoring may cost."""

    budget: float = setting(
        OVERHEAD_BUDGET, "fraction of training time that monitoring may take", limits=FRACTION, population="ignored"
    )


def relations(values: Values) -> Iterator[str]:
    """Yield what is wrong between the settings of this section and others."""
    yield from ()
