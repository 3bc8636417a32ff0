from __future__ import annotations

from typing import Any

import torch
from torch import nn


def test_gradient_vanishes_in_a_deep_sigmoid_network(lab: Any) -> None:
    outcome = lab.run(lab.Case(lab.mlp(*[64] * 8, activation=nn.Sigmoid), lab.sgd(0.1), epochs=12))
    finding = outcome.findings[0]
    assert (finding.rule, finding.where) == ("vanishing_gradients", ("0.weight",))
    assert set(outcome.verdicts[1:]) <= set(finding.explains)


def test_parameter_that_the_optimizer_was_not_given(lab: Any) -> None:
    def without_the_first_layer(model: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD([p for name, p in model.named_parameters() if not name.startswith("0.")], 0.1)

    outcome = lab.run(lab.Case(lab.mlp(64, 64), without_the_first_layer, epochs=6))
    finding = outcome.findings[0]
    assert (finding.rule, finding.where) == ("parameters_not_updated", ("0.weight", "0.bias"))
    assert "optimizer steps change nothing" in finding.title


def test_parameter_that_no_gradient_reaches(lab: Any) -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(64, 32), nn.Linear(32, 10)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.second(self.first(inputs).detach().relu())

    outcome = lab.run(lab.Case(Cut, lab.sgd(0.1), epochs=6))
    finding = outcome.findings[0]
    assert (finding.rule, finding.where) == ("parameters_not_updated", ("first.weight", "first.bias"))
    assert "no gradient reaches it" in finding.title


def test_nothing_moves_at_rate_zero(lab: Any) -> None:
    outcome = lab.run(lab.Case(lab.mlp(64), lab.sgd(0.0), epochs=6))
    assert outcome.verdicts == ["parameters_not_updated", "no_better_than_chance"]
    assert str(outcome.findings[0].severity) == "error"


def test_frozen_on_purpose_is_no_finding(lab: Any) -> None:
    outcome = lab.run(lab.Case(lab.mlp(64, 64), lab.sgd(0.1), after_build=lambda model: model[0].requires_grad_(False)))
    assert outcome.verdicts == []
