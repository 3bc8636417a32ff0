"""The result of training one network."""

from __future__ import annotations

from trainwell.population.result import ValidationResult


def test_a_result_has_scores_or_a_reason() -> None:
    assert ValidationResult({"loss": 1.0}).reason == ""
    assert ValidationResult({}, "The loss is NaN.") != ValidationResult({})
