"""Series only grow, and asking for an absent one is harmless."""

from __future__ import annotations

from trainwell.core.signals import Series, Signals


def test_values_come_back_in_order() -> None:
    signals = Signals()
    for step, value in [(0, 1.0), (5, 0.5), (9, 0.25)]:
        signals.add("loss/train", step, value=value)
    series = signals["loss/train"]
    assert list(series) == [(0, 1.0), (5, 0.5), (9, 0.25)]
    assert (series.first, series.last, series.tail(2)) == (1.0, 0.25, [0.5, 0.25])


def test_an_absent_series_is_empty_and_stays_absent() -> None:
    signals = Signals()
    assert len(signals["nothing"]) == 0
    assert "nothing" not in signals
    assert len(signals) == 0


def test_under_does_not_mix_names_with_a_common_beginning() -> None:
    signals = Signals()
    signals.add("grad/norm", 0, value=1.0)
    signals.add("grad/norm/fc1", 0, value=2.0)
    signals.add("grad/normal/fc1", 0, value=3.0)
    assert {name: series.last for name, series in signals.under("grad/norm").items()} == {"fc1": 2.0}


def test_an_empty_series_is_falsy() -> None:
    assert not Series()
