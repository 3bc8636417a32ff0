"""[watch]: what monitoring may cost."""

from __future__ import annotations

from dataclasses import dataclass

from trainwell.core.overhead_budget import OVERHEAD_BUDGET
from trainwell.recipe.sections.setting import FRACTION, setting


@dataclass(frozen=True)
class MonitorRecipe:
    """What monitoring may cost."""

    budget: float = setting(
        OVERHEAD_BUDGET, "fraction of training time that monitoring may take", limits=FRACTION, population="ignored"
    )
