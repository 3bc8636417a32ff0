from __future__ import annotations

import math
from typing import Any

from trainwell.core.facts import Facts
from trainwell.core.signals import Signals
from trainwell.rules.divergence import loss_not_finite


def test_overflow_is_traced_to_its_rate(lab: Any) -> None:
    outcome = lab.run(lab.Case(lab.mlp(), lab.sgd(1e30), epochs=2))
    assert outcome.verdicts[0] == "learning_rate_too_high"
    assert {"loss_diverges", "loss_not_finite"} & set(outcome.findings[0].explains)


def test_first_broken_layer_is_named() -> None:
    signals = Signals()
    signals.add("loss/train", 0, value=2.3)
    signals.add("loss/train", 8, value=math.inf)
    for layer, mean in (("a", 0.1), ("b", math.nan), ("c", math.nan)):
        signals.add(f"activation/mean/{layer}", 8, value=mean)
    finding = loss_not_finite(signals, Facts())
    assert finding is not None
    assert (finding.where, finding.step, finding.evidence) == (("b",), 8, {"last_finite_loss": 2.3})
