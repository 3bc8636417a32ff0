from __future__ import annotations

from typing import Any

import pytest
from torch import nn


@pytest.mark.parametrize(("value", "activation"), [(0.0, nn.ReLU), (0.01, nn.ReLU), (0.0, nn.Tanh), (0.5, nn.Sigmoid)])
def test_symmetric_weights_are_the_first_verdict(lab: Any, value: float, activation: type[nn.Module]) -> None:
    def fill(model: nn.Module) -> None:
        for parameter in model.parameters():
            nn.init.constant_(parameter, value)

    outcome = lab.run(lab.Case(lab.mlp(64, 64, activation=activation), lab.sgd(0.1, 0.9), after_build=fill, epochs=12))
    assert outcome.verdicts[0] == "symmetric_weights"
    assert set(outcome.verdicts[1:]) <= set(outcome.findings[0].explains)


def test_initial_loss_far_from_chance(lab: Any) -> None:
    outcome = lab.run(
        lab.Case(
            lab.mlp(64, activation=nn.Tanh),
            lab.sgd(1e-6),
            after_build=lambda model: nn.init.normal_(model[-1].weight, std=20.0),
            epochs=6,
        )
    )
    assert outcome.verdicts[0] == "initial_loss_far_from_chance"
