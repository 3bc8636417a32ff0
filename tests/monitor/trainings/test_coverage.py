from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.monitor.trainings.coverage import Coverage
from trainwell.monitor.trainings.observations import ModuleCall, Observations


def _coverage(model: nn.Module, *, optimised: list[nn.Module], called: list[nn.Module]) -> Coverage:
    observations = Observations()
    observations.called = set(called)
    observations.calls[model] = ModuleCall(True, True, ())
    ids = {id(p) for module in optimised for p in module.parameters()}
    return Coverage(observations, model, ids, ids, lambda parameter: False)


def test_faults_are_shares_of_all_parameters() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1))
    model(torch.ones(2, 4)).sum().backward()
    model[1].zero_grad()
    coverage = _coverage(model, optimised=[model[1]], called=list(model.modules()))
    faults = {name: share for name, share, is_fault in coverage.faults(coverage.parameters()) if is_fault}
    assert faults == pytest.approx(
        {
            "code/parameters_not_in_optimizer/0.weight": 16 / 25,
            "code/parameters_not_in_optimizer/0.bias": 4 / 25,
            "code/gradient_missing/1.weight": 4 / 25,
            "code/gradient_missing/1.bias": 1 / 25,
        }
    )


def test_layers_that_did_not_run_are_unused() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1))
    coverage = _coverage(model, optimised=[model], called=[model, model[0]])
    assert coverage.unused(coverage.parameters()) == {"1.weight", "1.bias"}


def test_statistics_that_never_change_are_named() -> None:
    model = nn.Sequential(nn.BatchNorm1d(4, momentum=0.0), nn.BatchNorm1d(4))
    for _ in range(12):
        model(torch.randn(8, 4))
    assert dict(_coverage(model, optimised=[model], called=list(model)).constant_statistics()) == {"0": 12.0}
