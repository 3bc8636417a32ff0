from __future__ import annotations

from typing import Any

import pytest
from torch import nn


@pytest.mark.parametrize("budget", [1e3, 0.02])
def test_rate_too_high_is_the_first_verdict(lab: Any, budget: float) -> None:
    outcome = lab.run(lab.Case(lab.mlp(64, 64), lab.sgd(10.0), budget=budget))
    assert outcome.verdicts[0] == "learning_rate_too_high"


def test_rate_too_high_with_adam_and_tanh(lab: Any) -> None:
    outcome = lab.run(lab.Case(lab.mlp(64, 64, activation=nn.Tanh), lab.adam(10.0)))
    assert outcome.verdicts[0] == "learning_rate_too_high"
    assert set(outcome.verdicts[1:]) <= set(outcome.findings[0].explains)


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_rate_too_low_is_the_first_verdict(lab: Any, optimiser: str) -> None:
    outcome = lab.run(lab.Case(lab.mlp(64, 64), getattr(lab, optimiser)(1e-7)))
    assert outcome.verdicts == ["learning_rate_too_low", "no_better_than_chance"]
    assert outcome.findings[0].evidence["update_ratio"] < outcome.findings[0].evidence["update_ratio_limit"]
