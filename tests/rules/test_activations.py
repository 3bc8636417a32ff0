from __future__ import annotations

from typing import Any

from torch import nn


def _large_negative_biases(model: nn.Sequential) -> None:
    for layer in list(model)[:-1]:
        if isinstance(layer, nn.Linear):
            nn.init.constant_(layer.bias, -10.0)


def _normal(model: nn.Module, std: float) -> None:
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=std)


def test_dead_units(lab: Any) -> None:
    outcome = lab.run(lab.Case(lab.mlp(64, 64), lab.sgd(0.1), after_build=_large_negative_biases))
    finding = outcome.findings[0]
    assert (finding.rule, finding.where) == ("dead_units", ("1", "3"))
    assert finding.evidence["dead_fraction"] == 1.0
    assert set(outcome.verdicts[1:]) <= set(finding.explains)


def test_saturated_units(lab: Any) -> None:
    case = lab.Case(
        lab.mlp(64, 64, activation=nn.Tanh), lab.sgd(0.001), after_build=lambda model: _normal(model, 3.0), epochs=6
    )
    outcome = lab.run(case)
    assert "saturated_activations" in outcome.verdicts
    assert outcome.findings[0].rule == "activation_scale"
    assert "saturated_activations" in outcome.findings[0].explains


def test_signal_fades(lab: Any) -> None:
    case = lab.Case(lab.mlp(64, 64, 64), lab.sgd(0.1), after_build=lambda model: _normal(model, 0.01))
    outcome = lab.run(case)
    assert outcome.verdicts == ["activation_scale", "no_better_than_chance"]
