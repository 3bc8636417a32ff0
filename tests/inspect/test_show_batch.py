"""What is shown is what the network gets."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import trainwell as tw
from trainwell.core.errors import UsageError
from trainwell.inspect import preview_batch


@pytest.mark.parametrize("step", [0, 3, 41])
def test_it_is_the_very_batch_of_that_step(tmp_path, step: int) -> None:
    seen = []

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(64, 10)

        def forward(self, x):
            if self.training:
                seen.append(x.detach().clone())
            return self.head(x.flatten(1))

    edits = {"data.augment": ("rotate", "translate:1"), "data.flip": True, "train.batch_size": 32, "train.epochs": 2}
    tw.fit("digits", Net(), edits=edits, runs=tmp_path, name="r")
    shown = preview_batch("digits", edits, step=step)
    assert any(torch.equal(shown.inputs, batch) for batch in seen[step : step + 2])
    again = preview_batch(tmp_path / "r", step=step)
    assert torch.equal(again.inputs, shown.inputs) and again.labels == shown.labels


def test_labels_are_words_and_numbers_in_their_own_unit() -> None:
    assert set(preview_batch("iris").labels) <= {"setosa", "versicolor", "virginica"}
    numbers = [float(label) for label in preview_batch("diabetes").labels]
    assert 25 <= min(numbers) and max(numbers) <= 346


def test_a_step_beyond_the_training_is_refused() -> None:
    with pytest.raises(UsageError, match="--step must be between 0 and"):
        preview_batch("iris", step=10**6)
