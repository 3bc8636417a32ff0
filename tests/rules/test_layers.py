from __future__ import annotations

from trainwell.core.signals import Series
from trainwell.rules.layers import first_step_at_or_above, median_over_layers, of_weights, worst_first


def test_only_steps_that_all_layers_share_count() -> None:
    merged = median_over_layers({"a": Series([0, 5, 9], [1.0, 2.0, 3.0]), "b": Series([5, 9], [4.0, 5.0])})
    assert merged == Series([5, 9], [3.0, 4.0])
    assert median_over_layers({}) == Series()


def test_a_bare_parameter_called_weight_counts_as_weight() -> None:
    assert list(of_weights({"weight": Series(), "bias": Series(), "a.weight": Series()})) == ["weight", "a.weight"]


def test_worst_first_keeps_the_order_of_equals() -> None:
    assert worst_first({"a": 1.0, "b": 2.0, "c": 1.0}) == ("b", "a", "c")


def test_the_last_unbroken_stretch_counts() -> None:
    series = Series([0, 10, 20, 30], [0.9, 0.4, 0.5, 0.9])
    assert first_step_at_or_above(series, 0.5) == 20
    assert first_step_at_or_above(series, 0.95) == 30
    assert first_step_at_or_above(series, 0.1) == 0
