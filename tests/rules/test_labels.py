from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.core.signals import Signals
from trainwell.rules.labels import labels_out_of_range, unshuffled_data


def _signals(same: list[float], expected: list[float]) -> Signals:
    signals = Signals()
    for step, (a, b) in enumerate(zip(same, expected, strict=True)):
        signals.add("target/same_fraction", step, value=a)
        signals.add("target/expected_same_fraction", step, value=b)
    return signals


def test_a_few_batches_say_nothing() -> None:
    assert unshuffled_data(_signals([1.0] * 5, [0.1] * 5), Facts()) is None


def test_two_classes_one_after_the_other() -> None:
    assert unshuffled_data(_signals([1.0] * 8, [0.5] * 8), Facts()) is not None


def test_mixed_batches_of_few_examples_are_fine() -> None:
    assert unshuffled_data(_signals([0.5, 0.0, 0.2, 0.1, 0.3, 0.0, 0.4], [0.1] * 7), Facts()) is None


def test_nearly_one_class_only() -> None:
    assert unshuffled_data(_signals([1.0] * 8, [0.98] * 8), Facts()) is None


def test_the_label_is_named() -> None:
    signals = Signals()
    signals.add("code/error/label_out_of_range", 0, value=10.0)
    finding = labels_out_of_range(signals, Facts())
    assert finding is not None
    assert "Class label 10" in finding.title
