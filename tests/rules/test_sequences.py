from __future__ import annotations

import pytest

from trainwell.core.facts import Facts
from trainwell.core.finding import Severity
from trainwell.core.signals import Signals
from trainwell.rules import Rule
from trainwell.rules.sequences import missing_batch_first, missing_causal_mask


@pytest.mark.parametrize("rule", [missing_batch_first, missing_causal_mask], ids=lambda rule: rule.__name__)
def test_sequences_need_two_batches(rule: Rule) -> None:
    signals = Signals()
    signals.add(f"code/{rule.__name__}", 0, value=64.0)
    assert rule(signals, Facts()) is None
    signals.add(f"code/{rule.__name__}", 1, value=64.0)
    finding = rule(signals, Facts())
    assert finding is not None
    assert finding.severity is Severity.ERROR
