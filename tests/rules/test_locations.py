from __future__ import annotations

from trainwell.core.signals import Signals
from trainwell.rules.locations import line_of


def test_the_first_known_line_is_taken() -> None:
    signals = Signals()
    signals.add("code/line/step/a/train.py", 0, value=9.0)
    assert line_of(signals, "loss", "step") == ("a/train.py:9",)
    assert line_of(signals, "loss") == ()
