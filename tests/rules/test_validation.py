from __future__ import annotations

import pytest

from trainwell.core.facts import Facts
from trainwell.core.finding import Severity
from trainwell.core.signals import Signals
from trainwell.rules import diagnose
from trainwell.rules.validation import validation_distribution_shift


def _signals(**values: float) -> Signals:
    signals = Signals()
    for name, value in values.items():
        signals.add(f"validation/{name}", 0, value=value)
    return signals


@pytest.mark.parametrize("ratio", [0.004, 255.0])
def test_a_factor_is_another_preparation_whatever_the_loss(ratio: float) -> None:
    finding = validation_distribution_shift(
        _signals(moved_columns_fraction=0.0, std_ratio=ratio, mean_distance=0.1), Facts()
    )
    assert finding is not None
    assert finding.severity is Severity.ERROR


def test_a_validation_set_of_constants_is_left_to_others() -> None:
    signals = _signals(moved_columns_fraction=0.0, std_ratio=0.0, mean_distance=0.0)
    assert validation_distribution_shift(signals, Facts()) is None


def test_missing_classes_explain_that_the_numbers_lie_elsewhere() -> None:
    signals = _signals(moved_columns_fraction=0.5, std_ratio=9.0, mean_distance=2.0, missing_class_fraction=0.4)
    first, second = diagnose(signals, Facts())
    assert (first.rule, first.explains) == ("classes_missing_in_training", ("validation_distribution_shift",))
    assert second.rule == "validation_distribution_shift"
