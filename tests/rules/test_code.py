"""Beyond the examples in the rules themselves: what is said, where, and what is kept quiet."""

from __future__ import annotations

import pytest

from trainwell.core.facts import Facts
from trainwell.core.finding import Severity
from trainwell.core.signals import Signals
from trainwell.rules import diagnose
from trainwell.rules.code import gradient_missing, missing_zero_grad, parameters_not_in_optimizer, step_never_called

FACTS = Facts()


def _signals(series: dict[str, list[float]]) -> Signals:
    signals = Signals()
    for name, values in series.items():
        for step, value in enumerate(values):
            signals.add(name, step, value)
    return signals


def test_two_steps_are_not_enough() -> None:
    assert missing_zero_grad(_signals({"code/gradient_before_backward": [1.0, 1.0]}), FACTS) is None


def test_a_reset_that_begins_later_is_fine() -> None:
    assert missing_zero_grad(_signals({"code/gradient_before_backward": [1.0, 1.0, 1.0, 0.0]}), FACTS) is None


def test_the_users_line_is_named() -> None:
    signals = _signals({"code/gradient_before_backward": [1.0] * 3, "code/line/backward/train.py": [12.0]})
    finding = missing_zero_grad(signals, FACTS)
    assert finding is not None
    assert finding.where == ("train.py:12",)
    assert finding.severity is Severity.ERROR


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


def test_gradients_that_are_gathered_are_waited_for() -> None:
    series = {"code/step_calls": [0.0], "code/backward_calls": [64.0], "code/idle_optimizers": [1.0]}
    assert step_never_called(_signals(series), FACTS) is None
    assert step_never_called(_signals(series), Facts(steps=64)) is not None


def test_a_fault_in_the_code_comes_before_its_symptoms() -> None:
    signals = _signals({"code/gradient_before_backward": [1.0] * 30, "loss/train": [2.3, 80.0, float("nan")]})
    findings = diagnose(signals, Facts(chance_loss=2.3))
    assert findings[0].rule == "missing_zero_grad"
    assert set(findings[0].explains) == {finding.rule for finding in findings[1:]}
