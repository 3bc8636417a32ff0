"""Small training sessions."""

from __future__ import annotations

import pytest
import torch

from trainwell.core.errors import DataError
from trainwell.lab.learning import dense, judge, learn, pictures
from trainwell.lab.result import Conditions


def test_pictures_are_standardised_by_the_training_part_and_never_overlap() -> None:
    data = pictures(Conditions(), train=300, held=200)
    assert data.inputs.shape == (300, 1, 8, 8) and data.shape == (1, 8, 8)
    assert abs(data.inputs.mean().item()) < 1e-5 and abs(data.inputs.std().item() - 1) < 1e-5
    assert abs(data.held_inputs.mean().item()) > 1e-5
    assert len({tuple(row) for row in torch.cat([data.inputs, data.held_inputs]).flatten(1).tolist()}) == 500


@pytest.mark.parametrize(
    ("source", "says"), [("iris", "pictures with classes, got rows of a table"), ("digits", "needs 9,400 pictures")]
)
def test_data_that_do_not_fit_are_refused(source: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        pictures(Conditions(data=source), train=9000)


def test_learning_sees_every_picture_once_an_epoch_and_lowers_the_loss() -> None:
    data, seen = pictures(Conditions(), train=128, held=50), []
    model = dense([64, 32, 10])

    def note(inputs: torch.Tensor) -> torch.Tensor:
        seen.extend(map(tuple, inputs.flatten(1).tolist()))
        return inputs

    losses = learn(model, data, torch.optim.Adam(model.parameters(), lr=1e-2), steps=40, batch=32, change=note)
    assert len(set(seen[:128])) == 128 == len(set(seen[128:256]))
    assert losses[-1] < losses[0] / 2


def test_judging_leaves_the_mode_alone() -> None:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.9), torch.nn.Linear(4, 2))
    inputs, targets = torch.randn(6, 4), torch.tensor([0, 1] * 3)
    assert judge(model, inputs, targets) == judge(model, inputs, targets)
    assert model.training
