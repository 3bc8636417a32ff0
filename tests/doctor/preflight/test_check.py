"""All pre-flight tests together: what they say, what they leave untouched, what they survive."""

from __future__ import annotations

import copy
import json
import random

import numpy as np
import pytest
import torch
from torch import nn

import trainwell as tw
from trainwell.doctor import CHECKS, check
from trainwell.recipe import edit


@pytest.mark.parametrize("source", ["iris", "digits", "wine", "breast-cancer", "diabetes"])
@pytest.mark.parametrize("edits", [{}, {"optim.name": "sgd", "optim.learning_rate": 0.01}, {"nn.model": "logistic"}])
def test_healthy_recipes_pass_every_test(source, edits) -> None:
    report = check(source, edits=edits)
    assert report.passed and [check.name for check in report.checks] == list(CHECKS)
    assert [(check.name, check.result.note) for check in report.checks if not check.passed] == []
    assert report.predicted_seconds > 0


def test_a_recipe_may_be_given_and_causes_come_before_symptoms() -> None:
    recipe = edit(tw.Recipe(), {"data.source": "iris", "nn.initialisation": "zeros"})
    report = check(recipe)
    assert report.findings[0].rule == "symmetric_weights" and not report.passed
    assert json.loads(json.dumps(report.to_json(), allow_nan=False))["passed"] is False


def state_of(model: nn.Module) -> dict[str, torch.Tensor]:
    return copy.deepcopy(model.state_dict())


def test_nothing_of_the_users_is_changed(data) -> None:
    model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.ReLU(), nn.Linear(16, 3))
    model[0].weight.grad = torch.ones(16, 6)
    optimizer = torch.optim.Adam(model.parameters())
    model.eval()
    before, gradient = state_of(model), model[0].weight.grad
    generators = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    threads = torch.get_num_threads()
    report = check(data, model, optimizer=optimizer)
    assert report.passed and all(check.passed is not None for check in report.checks)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not model.training and model[0].weight.grad is gradient and bool((gradient == 1).all())
    assert not optimizer.state and all(not module._forward_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), generators[0]) and torch.get_num_threads() == threads
    assert (np.random.get_state()[1] == generators[1]).all() and random.getstate() == generators[2]


def test_loaders_and_a_network_of_ones_own(data, network) -> None:
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*data), batch_size=32)
    report = check({"train": loader}, network, edits={"optim.learning_rate": 0.01})
    assert report.passed
    assert [check.name for check in report.checks if check.passed is None] == ["data_audit"]


def test_a_head_that_does_not_fit_ends_the_examination(data) -> None:
    report = check(data, nn.Linear(6, 2))
    assert [finding.rule for finding in report.findings] == ["head_does_not_fit"]
    assert report.checks[-1].result.note == "the network and the data do not fit"


def test_a_network_that_fails_on_a_batch_is_an_error(data) -> None:
    report = check(data, nn.Sequential(nn.Linear(7, 3)))
    assert [finding.rule for finding in report.findings] == ["network_fails"] and not report.passed
    assert "(10, 6)" in report.findings[0].title and report.checks[2].passed is False


def test_a_network_that_refuses_is_not_checked_and_nothing_is_raised(data) -> None:
    class Moody(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(6, 3)

        def forward(self, x):
            if x.dtype == torch.float64:
                raise RuntimeError("only float32 here\nand more")
            return self.head(x)

    (refused,) = [check for check in check(data, Moody()).checks if check.passed is None]
    assert (refused.name, refused.verdict) == ("gradients_are_right", "not checked")
    assert refused.result.note == "RuntimeError: only float32 here"


def test_mistakes_of_the_recipe_are_raised() -> None:
    with pytest.raises(tw.TrainwellError, match="optim.lr"):
        check("iris", edits={"optim.lr": 1})
