"""What is learned is found out from the kind of the targets and the width of the outputs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.errors import DataError, UsageError
from trainwell.fitting.loaders import loader_parts

X = torch.randn(12, 4)


@pytest.mark.parametrize(
    ("targets", "width", "task"),
    [
        (torch.arange(12) % 3, 3, "classify"),
        (torch.arange(12) % 2, 1, "binary"),
        (torch.randn(12), 1, "regress"),
        (torch.randn(12, 2), 2, "regress"),
        ((torch.rand(12, 3) > 0.5).long(), 3, "multilabel"),
    ],
)
def test_the_task(targets, width, task) -> None:
    parts = loader_parts({"train": [(X, targets)]}, nn.Linear(4, width), settings={})
    assert parts.task.name == task
    assert parts.facts.chance_loss == pytest.approx(parts.task.chance_loss(targets.numpy()))


def test_the_random_state_and_mode_of_the_network_stay() -> None:
    net = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5)).train()
    before = torch.get_rng_state()
    loader_parts({"train": [(X, torch.arange(12) % 3)]}, net, settings={})
    assert torch.equal(torch.get_rng_state(), before)
    assert net.training


@pytest.mark.parametrize("name", ["train", "validation"])
def test_a_loader_that_gives_nothing(name) -> None:
    loaders = {"train": [(X, torch.arange(12) % 3)], name: []}
    with pytest.raises(DataError, match=f"The {name} loader must yield at least one batch"):
        loader_parts(loaders, nn.Linear(4, 3), settings={})


def test_a_generator_cannot_be_gone_through_again() -> None:
    with pytest.raises(UsageError, match="repeated iteration, got generator"):
        loader_parts({"train": ((X, X) for _ in range(2))}, nn.Linear(4, 3), settings={})


@pytest.mark.parametrize(
    ("targets", "width"), [(torch.arange(12) % 3 + 1, 3), (torch.arange(12) % 2 + 1, 1), (-torch.ones(12).long(), 3)]
)
def test_labels_outside_the_range_are_refused_before_training(targets, width) -> None:
    with pytest.raises(DataError, match="Labels must be between 0 and"):
        loader_parts({"train": [(X, targets)]}, nn.Linear(4, width), settings={})


def test_what_was_found_out_is_in_the_recipe_and_settings_reach_the_task() -> None:
    parts = loader_parts({"train": [(X, torch.randn(12))]}, nn.Linear(4, 1), settings={})
    assert parts.recipe.task.name == "regress"
    smooth = loader_parts(
        {"train": [(X, torch.arange(12) % 3)]}, nn.Linear(4, 3), settings={"task.label_smoothing": 0.5}
    )
    assert smooth.task.label_smoothing == 0.5
