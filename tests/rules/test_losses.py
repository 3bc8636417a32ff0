from __future__ import annotations

import pytest

from trainwell.core.facts import Facts
from trainwell.core.finding import Severity
from trainwell.core.signals import Signals
from trainwell.rules.losses import (
    activation_before_cross_entropy,
    broadcast_loss,
    summed_loss,
    targets_outside_output_range,
)


def _signals(name: str, *values: float) -> Signals:
    signals = Signals()
    for step, value in enumerate(values):
        signals.add(name, step, value=value)
    signals.add("code/line/backward/train.py", 0, value=8.0)
    return signals


def test_one_batch_is_not_enough() -> None:
    assert broadcast_loss(_signals("code/broadcast_loss", 64.0), Facts()) is None


def test_evidence_and_line() -> None:
    finding = broadcast_loss(_signals("code/broadcast_loss", 64.0, 64.0), Facts())
    assert finding is not None
    assert finding.evidence == {"compared_pairs": 64.0}
    assert finding.where == ("train.py:8",)
    assert finding.step == 0


def test_severity() -> None:
    squashed = activation_before_cross_entropy(_signals("code/activation_before_cross_entropy", 1.0, 1.0), Facts())
    assert squashed is not None
    assert squashed.severity is Severity.WARNING
    summed = summed_loss(_signals("code/summed_loss", 64.0, 64.0), Facts())
    assert summed is not None
    assert summed.severity is Severity.INFO


@pytest.mark.parametrize(("share", "found"), [(0.005, False), (0.02, True)])
def test_a_few_outliers_are_let_pass(share: float, found: bool) -> None:
    signals = _signals("code/targets_outside_output_range", share, share)
    assert (targets_outside_output_range(signals, Facts()) is not None) is found
