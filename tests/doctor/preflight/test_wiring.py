"""What reaches what: each test fails on its fault and passes on healthy networks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.finding import Severity
from trainwell.doctor.preflight import wiring

TESTS = [
    wiring.head_fits,
    wiring.parameters_are_trained,
    wiring.parameters_are_reached,
    wiring.inputs_are_connected,
    wiring.examples_are_independent,
    wiring.outputs_vary,
]


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("source", [None, "digits", "breast-cancer", "diabetes"])
def test_healthy_networks_pass(subject, test, source) -> None:
    result = test(subject(source=source))
    assert result.findings == () and result.measured is not None


@pytest.mark.parametrize("test", TESTS)
def test_a_network_with_batch_normalisation_passes(subject, test) -> None:
    assert test(subject(source="digits", nn__model="resnet20", nn__width=4)).findings == ()


class Net(nn.Module):
    """A small network that can be wired wrongly."""

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.first, self.head, self.fault = nn.Linear(6, 16), nn.Linear(16, 3), fault

    def forward(self, x):
        if self.fault == "input":
            x = torch.cat([x[:, :4], x[:, 4:] * 0], dim=1)
        x = torch.relu(self.first(x))
        if self.fault == "detach":
            x = x.detach()
        if self.fault == "batch axis":
            x = torch.softmax(x, dim=0)
        if self.fault == "constant":
            x = x * 0
        return self.head(x)


def rules(result) -> list[str]:
    return [finding.rule for finding in result.findings]


def test_a_head_that_is_too_narrow_is_found(subject) -> None:
    result = wiring.head_fits(subject(nn.Linear(6, 2)))
    assert rules(result) == ["head_does_not_fit"] and result.measured == 2
    assert "3" in result.findings[0].title


def test_a_detached_layer_is_named(subject) -> None:
    (finding,) = wiring.parameters_are_reached(subject(Net("detach"))).findings
    assert finding.where == ("first.weight", "first.bias") and finding.severity is Severity.WARNING


def test_an_input_without_a_way_to_the_output_is_named(subject) -> None:
    (finding,) = wiring.inputs_are_connected(subject(Net("input"))).findings
    assert finding.evidence["inputs_cut_off"] == 2 and len(finding.where) == 2


def test_a_softmax_over_the_batch_is_found(subject) -> None:
    assert rules(wiring.examples_are_independent(subject(Net("batch axis")))) == ["examples_leak"]


def test_a_constant_network_is_found(subject) -> None:
    assert rules(wiring.outputs_vary(subject(Net("constant")))) == ["constant_outputs"]


def test_a_head_that_starts_at_zero_is_no_constant_network(subject) -> None:
    net = Net()
    nn.init.zeros_(net.head.weight)
    assert wiring.outputs_vary(subject(net)).findings == ()


def test_parameters_outside_the_optimizer_and_frozen_ones_are_named(subject) -> None:
    net = Net()
    (finding,) = wiring.parameters_are_trained(
        subject(net, optimizer=torch.optim.SGD(net.head.parameters(), lr=0.1))
    ).findings
    assert finding.rule == "parameters_not_in_optimizer" and finding.where == ("first.weight", "first.bias")
    net.first.requires_grad_(False)
    (finding,) = wiring.parameters_are_trained(subject(net)).findings
    assert finding.rule == "parameters_frozen" and finding.severity is Severity.INFO
    net.requires_grad_(False)
    (finding,) = wiring.parameters_are_trained(subject(net)).findings
    assert finding.severity is Severity.ERROR


def test_a_rate_of_zero_trains_nothing(subject) -> None:
    net = Net()
    stuck = subject(net, optimizer=torch.optim.SGD(net.parameters(), lr=0.0))
    assert rules(wiring.parameters_are_trained(stuck)) == ["parameters_not_in_optimizer"]
