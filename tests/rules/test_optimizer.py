"""zero_grad, backward and step: what is reported, where, and what is not."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.core.finding import Severity
from trainwell.core.signals import Signals
from trainwell.rules import diagnose
from trainwell.rules.optimizer import missing_zero_grad, step_never_called

FACTS = Facts()


def _signals(series: dict[str, list[float]]) -> Signals:
    signals = Signals()
    for name, values in series.items():
        for step, value in enumerate(values):
            signals.add(name, step, value=value)
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


def test_gradients_that_are_gathered_are_waited_for() -> None:
    series = {"code/step_calls": [0.0], "code/backward_calls": [64.0], "code/idle_optimizers": [1.0]}
    assert step_never_called(_signals(series), FACTS) is None
    assert step_never_called(_signals(series), Facts(steps=64)) is not None


def test_a_fault_in_the_code_comes_before_its_symptoms() -> None:
    signals = _signals({"code/gradient_before_backward": [1.0] * 30, "loss/train": [2.3, 80.0, float("nan")]})
    findings = diagnose(signals, Facts(chance_loss=2.3))
    assert findings[0].rule == "missing_zero_grad"
    assert set(findings[0].explains) == {finding.rule for finding in findings[1:]}
