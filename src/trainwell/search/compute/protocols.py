"""What the search loop needs of whatever trains its configurations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from trainwell.population.result import ValidationResult
from trainwell.recipe import Recipe

# Called at every step; raises an exception to stop the training.
StopCheck = Callable[[], None]


class Runner(Protocol):
    """Trains some configurations, in portions."""

    def train(self, fraction: float, check: StopCheck = ...) -> None:
        """Train each configuration until a fraction of its epochs is done."""

    def results(self) -> list[list[ValidationResult]]:
        """Return, for each configuration, the scores on the validation part of each fold."""

    def keep(self, positions: Sequence[int]) -> None:
        """Continue with these configurations only."""


class Pool(Protocol):
    """Starts the training of configurations."""

    @property
    def width(self) -> int:
        """How many configurations train efficiently at once."""

    def start(self, recipes: Sequence[Recipe]) -> Runner:
        """Start training some configurations."""

    def stop(self) -> None:
        """End what was started."""
