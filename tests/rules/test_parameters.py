"""Parameters that are left out: the largest first, and small parts as a hint."""

from __future__ import annotations

import pytest

from trainwell.core.facts import Facts
from trainwell.core.finding import Severity
from trainwell.core.signals import Signals
from trainwell.rules.parameters import gradient_missing, parameters_not_in_optimizer

FACTS = Facts()


def _signals(series: dict[str, list[float]]) -> Signals:
    signals = Signals()
    for name, values in series.items():
        for step, value in enumerate(values):
            signals.add(name, step, value=value)
    return signals


def test_worst_parameter_first_then_the_line() -> None:
    name = "code/parameters_not_in_optimizer"
    signals = _signals({f"{name}/a": [0.1] * 3, f"{name}/b": [0.5] * 3, "code/line/optimizer/train.py": [4.0]})
    finding = parameters_not_in_optimizer(signals, FACTS)
    assert finding is not None
    assert finding.where == ("b", "a", "train.py:4")
    assert finding.evidence["parameter_fraction"] == pytest.approx(0.6)


def test_small_parts_are_a_hint() -> None:
    finding = gradient_missing(_signals({"code/gradient_missing/pooler": [0.005] * 3}), FACTS)
    assert finding is not None
    assert finding.severity is Severity.INFO
