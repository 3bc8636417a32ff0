from __future__ import annotations

import math

import pytest

from trainwell.core.facts import Facts
from trainwell.core.finding import Severity
from trainwell.core.signals import Series, Signals
from trainwell.rules.symptoms import at_chance, broke, collapsed_outputs, converged, exploded, judge, recent, stalled


def _losses(values: list[float], stride: int = 10) -> Signals:
    signals = Signals()
    for place, value in enumerate(values):
        signals.add("loss/train", place * stride, value=value)
    return signals


@pytest.mark.parametrize(
    ("values", "chance", "severity"),
    [
        ([2.3] * 20, 2.3, Severity.ERROR),
        ([2.3] * 20, None, Severity.WARNING),
        ([2.3] * 20, 4.0, Severity.WARNING),
        ([2.3] * 6 + [0.5] * 14, 2.3, Severity.INFO),
        ([2.3] * 6 + [math.nan] * 14, 2.3, Severity.ERROR),
        ([2.3] * 5, 2.3, Severity.INFO),
    ],
)
def test_judge(values: list[float], chance: float | None, severity: Severity) -> None:
    assert judge(_losses(values), Facts(chance_loss=chance)) is severity


def test_fifty_steps_are_too_few_to_stall() -> None:
    assert not stalled(_losses([2.3] * 20, stride=1))
    assert stalled(_losses([2.3] * 20, stride=5))


def test_validation_better_than_chance_means_something_was_learned() -> None:
    signals = _losses([2.3] * 20)
    assert at_chance(signals, Facts(chance_loss=2.3))
    signals.add("loss/validation", 190, value=1.9)
    assert not at_chance(signals, Facts(chance_loss=2.3))


def test_converged_and_broke() -> None:
    assert converged(_losses([2.0] * 5 + [0.01] * 20))
    assert not converged(_losses([2.0] * 5 + [0.2] * 20))
    assert broke(_losses([2.0, math.inf]))
    assert not broke(_losses([2.0]))


def test_recent_does_not_hide_a_nan() -> None:
    assert math.isnan(recent(Series([0, 1, 2], [1.0, 2.0, math.nan])))


def test_right_but_too_sure_is_not_at_chance() -> None:
    signals, facts = _losses([9.0] * 20), Facts(chance_loss=2.3, class_counts=(10,) * 10)
    signals.add("score/validation/accuracy", 190, value=0.2)
    assert at_chance(signals, facts), "an untrained network may be a little lucky"
    signals.add("score/validation/accuracy", 195, value=0.9)
    assert not at_chance(signals, facts)


def test_whole_epochs_are_the_better_measure() -> None:
    signals = _losses([2.1] * 20)
    assert not at_chance(signals, Facts(chance_loss=2.3))
    for step in (90, 190):
        signals.add("loss/train_epoch", step, value=2.3)
    assert at_chance(signals, Facts(chance_loss=2.3))


def test_constant_outputs() -> None:
    signals = Signals()
    for step in (0, 10, 20, 30):
        signals.add("output/std", step, value=0.0)
    assert collapsed_outputs(signals) is None, "only two readings lie after step 20"
    signals.add("output/std", 40, value=1e-9)
    assert collapsed_outputs(signals) == (20, 1e-9, 1e-7)
    assert judge(signals, Facts()) is Severity.ERROR


def test_exploded() -> None:
    assert exploded(_losses([2.0, 1.0, *[30.0] * 5]), Facts(chance_loss=2.3)) == (30.0, 23.0)
    assert exploded(_losses([0.01, 0.01, *[1.0] * 5]), Facts(chance_loss=2.3)) is None
