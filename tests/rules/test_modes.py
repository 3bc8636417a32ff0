from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.core.finding import Severity
from trainwell.core.signals import Signals
from trainwell.rules.modes import evaluation_in_train_mode, training_in_eval_mode


def _signals(name: str, *values: float) -> Signals:
    signals = Signals()
    for step, value in enumerate(values):
        signals.add(name, step * 10, value=value)
    return signals


def test_the_step_at_which_it_began() -> None:
    signals = _signals("code/training_in_eval_mode", 0, 1)
    signals.add("code/step_calls", 0, value=40.0)
    finding = training_in_eval_mode(signals, Facts())
    assert finding is not None
    assert (finding.step, finding.severity) == (10, Severity.ERROR)
    assert finding.evidence["steps_in_eval_mode"] == 30


def test_loaded_weights_in_eval_mode_from_the_start_may_be_meant() -> None:
    signals = _signals("code/training_in_eval_mode", 1)
    signals.add("code/step_calls", 0, value=40.0)
    signals.add("code/weights_loaded", 0, value=1.0)
    finding = training_in_eval_mode(signals, Facts())
    assert finding is not None
    assert finding.severity is Severity.WARNING


def test_one_evaluation_among_many_is_let_pass() -> None:
    assert evaluation_in_train_mode(_signals("code/evaluation_in_train_mode", 1, 0, 0), Facts()) is None
    assert evaluation_in_train_mode(_signals("code/evaluation_in_train_mode", 1, 1, 0), Facts()) is not None
