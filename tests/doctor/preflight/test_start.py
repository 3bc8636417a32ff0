"""First weights, first loss, first steps: each test fails on its fault and passes on the healthy network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.finding import Severity
from trainwell.doctor.preflight import start
from trainwell.doctor.preflight.start import few_can_be_learned, gradients_are_right, initial_loss, units_differ


@pytest.fixture(autouse=True)
def patience(monkeypatch) -> None:
    """A busy machine must not use up a test's time: it would then, rightly, say nothing."""
    monkeypatch.setattr(start, "_SECONDS", 300.0)


@pytest.mark.parametrize("test", [initial_loss, units_differ, few_can_be_learned, gradients_are_right])
@pytest.mark.parametrize("source", [None, "digits", "breast-cancer", "diabetes"])
def test_healthy_networks_pass(subject, test, source) -> None:
    result = test(subject(source=source))
    assert result.findings == () and result.measured is not None


@pytest.mark.parametrize("name", ["zeros", "constant"])
def test_equal_weights_are_found(subject, name) -> None:
    (finding,) = units_differ(subject(source="digits", nn__initialisation=name)).findings
    assert finding.rule == "symmetric_weights" and finding.where == ("fc1.weight", "fc2.weight")


def test_a_branch_that_starts_at_zero_on_purpose_is_left_in_peace(subject) -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.outer, self.head = nn.Linear(6, 16), nn.Linear(16, 6), nn.Linear(6, 3)
            nn.init.zeros_(self.outer.weight)

        def forward(self, x):
            return self.head(x + self.outer(torch.relu(self.inner(x))))

    assert units_differ(subject(Residual())).findings == ()


def test_a_huge_first_loss_is_found(subject) -> None:
    (finding,) = initial_loss(subject(source="digits", nn__initialisation="large_normal")).findings
    assert finding.rule == "initial_loss_far_from_chance" and finding.severity is Severity.WARNING


@pytest.mark.parametrize(("rate", "first"), [(1e-6, "raise_rate"), (1e3, "lower_rate")])
def test_a_wrong_rate_is_told_from_a_wrong_network(subject, rate, first) -> None:
    (finding,) = few_can_be_learned(subject(optim__learning_rate=rate, optim__name="sgd")).findings
    assert finding.rule == "optimizer_cannot_fit" and finding.remedies[0] == first


def test_a_network_that_cannot_learn_is_the_cause_itself(subject) -> None:
    blind = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3), nn.Softmax(dim=0), nn.Hardtanh(0.3, 0.31))
    (finding,) = few_can_be_learned(subject(blind)).findings
    assert finding.rule == "network_cannot_fit" and finding.severity is Severity.ERROR


def test_a_wrong_backward_pass_is_found(subject) -> None:
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            return gradient  # forgets the factor

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Linear(6, 16), nn.Linear(16, 3)

        def forward(self, x):
            return self.head(Wrong.apply(torch.tanh(self.first(x))))

    (finding,) = gradients_are_right(subject(Net())).findings
    assert finding.rule == "gradient_mismatch" and set(finding.where) == {"first.weight", "first.bias"}
    assert finding.evidence["relative_difference"] == pytest.approx(0.5, abs=0.01)
