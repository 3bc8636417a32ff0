from __future__ import annotations

from trainwell.core.finding import Finding, Severity
from trainwell.recipe import Recipe
from trainwell.repairs.duration import train_longer


def test_train_longer() -> None:
    assert train_longer(Recipe(), Finding("any", Severity.INFO, "")).train.epochs == 40
