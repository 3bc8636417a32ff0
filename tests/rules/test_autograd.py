"""Faults of the graph: refused backward passes, and operations that give NaN or Inf."""

from __future__ import annotations

import pytest

from trainwell.core.facts import Facts
from trainwell.core.signals import Signals
from trainwell.rules.autograd import detached_loss, graph_used_twice, inplace_modification, nonfinite_operation

FACTS = Facts()


@pytest.mark.parametrize(
    ("rule", "error"),
    [(detached_loss, "no_gradient"), (graph_used_twice, "freed_graph"), (inplace_modification, "overwritten")],
)
def test_a_refused_backward_pass_names_the_line_of_the_error(rule, error: str) -> None:
    signals = Signals()
    signals.add(f"code/error/{error}", 0, value=1.0)
    signals.add("code/line/backward/train.py", 0, value=8.0)
    assert rule(signals, FACTS).where == ("train.py:8",)
    signals.add("code/line/error/model.py", 0, value=3.0)
    finding = rule(signals, FACTS)
    assert finding.rule == rule.__name__
    assert finding.where == ("model.py:3",)


def test_the_first_operation_is_named_before_the_line() -> None:
    signals = Signals()
    signals.add("code/line/backward/train.py", 0, value=8.0)
    for step, share in ((3, 0.0), (4, 0.1)):
        signals.add("code/nonfinite/log after head", step, value=share)
    finding = nonfinite_operation(signals, FACTS)
    assert finding is not None
    assert finding.where == ("log after head", "train.py:8")
    assert finding.step == 4
    assert "log after head" in finding.title
    assert "symmetric_weights" not in finding.explains


def test_two_readings_without_a_graph_are_not_enough() -> None:
    signals = Signals()
    for step in range(3):
        assert detached_loss(signals, FACTS) is None
        signals.add("code/loss_without_graph", step, value=1.0)
    assert detached_loss(signals, FACTS) is not None
