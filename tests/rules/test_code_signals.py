from __future__ import annotations

from trainwell.core.signals import Signals
from trainwell.rules import RULES
from trainwell.rules.code_signals import SYMPTOMS, line_of, persistent_under, persists, since


def _signals(**series: list[float]) -> Signals:
    signals = Signals()
    for name, values in series.items():
        for step, value in enumerate(values):
            signals.add(f"code/{name}", step * 10, value)
    return signals


def test_symptoms_are_rules() -> None:
    assert set(SYMPTOMS) <= set(RULES)


def test_only_the_newest_readings_count() -> None:
    signals = _signals(a=[0.0, 1.0, 2.0], b=[1.0, 1.0, 0.0], c=[1.0])
    assert persists(signals, "code/a", 2) == 2.0
    assert persists(signals, "code/b", 2) is None
    assert persists(signals, "code/c", 2) is None
    assert persists(signals, "code/absent", 1) is None
    assert since(signals, "code/a") == 10


def test_largest_first() -> None:
    signals = Signals()
    for step in range(3):
        signals.add("code/x/small", step, 0.1)
        signals.add("code/x/large", step, 0.9)
        signals.add("code/x/gone", step, 1.0 if step < 2 else 0.0)
    assert list(persistent_under(signals, "code/x", 3)) == ["large", "small"]


def test_the_first_known_line_is_taken() -> None:
    signals = Signals()
    signals.add("code/line/step/a/train.py", 0, 9.0)
    assert line_of(signals, "loss", "step") == ("a/train.py:9",)
    assert line_of(signals, "loss") == ()
