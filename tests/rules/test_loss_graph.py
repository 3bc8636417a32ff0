from __future__ import annotations

from trainwell.core.finding import Severity
from trainwell.core.signals import Signals
from trainwell.rules.loss_graph import seen_in_graph


def _signals(*values: float) -> Signals:
    signals = Signals()
    for step, value in enumerate(values, start=5):
        signals.add("code/broadcast_loss", step, value=value)
    signals.add("code/line/backward/train.py", 0, value=8.0)
    return signals


def test_the_newest_two_batches_must_show_it() -> None:
    assert seen_in_graph(_signals(4.0), "broadcast_loss", title="T.") is None
    assert seen_in_graph(_signals(4.0, 4.0, 0.0), "broadcast_loss", title="T.") is None
    assert seen_in_graph(_signals(0.0, 4.0, 4.0), "broadcast_loss", title="T.") is not None


def test_the_value_is_in_the_title_and_the_evidence() -> None:
    found = seen_in_graph(_signals(3.0, 4.0), "broadcast_loss", title="{value:.0f} pairs.", evidence="pairs")
    assert found is not None
    assert (found.title, found.evidence) == ("4 pairs.", {"pairs": 4.0})
    assert (found.step, found.where, found.severity) == (5, ("train.py:8",), Severity.ERROR)


def test_a_plain_fact_counts_its_batches() -> None:
    found = seen_in_graph(_signals(1.0, 1.0, 1.0), "broadcast_loss", title="T.", severity=Severity.WARNING)
    assert found is not None
    assert found.evidence == {"batches_seen": 3.0}
    assert found.severity is Severity.WARNING
