from __future__ import annotations

from trainwell.core.signals import Signals
from trainwell.rules.persistence import persistent_under, persists, since


def _signals(**series: list[float]) -> Signals:
    signals = Signals()
    for name, values in series.items():
        for step, value in enumerate(values):
            signals.add(f"code/{name}", step * 10, value=value)
    return signals


def test_only_the_newest_readings_count() -> None:
    signals = _signals(a=[0.0, 1.0, 2.0], b=[1.0, 1.0, 0.0], c=[1.0])
    assert persists(signals, "code/a", readings=2) == 2.0
    assert persists(signals, "code/b", readings=2) is None
    assert persists(signals, "code/c", readings=2) is None
    assert persists(signals, "code/absent", readings=1) is None
    assert since(signals, "code/a") == 10


def test_largest_first() -> None:
    signals = Signals()
    for step in range(3):
        signals.add("code/x/small", step, value=0.1)
        signals.add("code/x/large", step, value=0.9)
        signals.add("code/x/gone", step, value=1.0 if step < 2 else 0.0)
    assert list(persistent_under(signals, "code/x", readings=3)) == ["large", "small"]
