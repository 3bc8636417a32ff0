"""What every task promises, and what a task of one's own may rely on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.core.contracts.outputs import Outputs, main_output
from trainwell.core.contracts.task import Prediction, Task
from trainwell.core.targets import TargetFacts


class Words:
    """Counts right positions."""

    def __init__(self) -> None:
        self.right = 0
        self.counted = 0

    def add(self, outputs: Outputs, batch: Batch) -> None:
        right = main_output(outputs).argmax(2) == batch.targets
        self.right += int((right & batch.mask).sum())
        self.counted += int(batch.mask.sum())

    def merge(self, other: Words) -> None:
        self.right += other.right
        self.counted += other.counted

    def scores(self) -> dict[str, float]:
        return {"accuracy": self.right / self.counted}


class Tagging(Task):
    """One class for every position of a sequence; padding does not count."""

    name = "tag"
    main_score = "accuracy"
    target_type = "tags"
    per_position = True

    def __init__(self, count: int) -> None:
        self.count = count
        self.labels = ()

    @classmethod
    def build(cls, recipe: Any, targets: TargetFacts) -> Tagging:
        return cls(targets.count)

    @property
    def outputs(self) -> int:
        return self.count

    def losses(self, outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        logits = main_output(outputs).transpose(1, 2)
        return {"cross_entropy": F.cross_entropy(logits, batch.targets, reduction="none")}

    def chance_loss(self, targets: Any) -> float:
        return float(np.log(self.count))

    def tally(self) -> Words:
        return Words()

    def predict(self, outputs: Outputs) -> Prediction:
        return Prediction(main_output(outputs).argmax(2).numpy())


class Located(Task):
    """A class and a place, from named outputs; a loss of two parts."""

    name = "locate"
    main_score = "accuracy"
    part_weights = {"class": 1.0, "place": 0.5}

    count = 3
    labels = ()
    outputs = 5

    @classmethod
    def build(cls, recipe: Any, targets: TargetFacts) -> Located:
        return cls()

    def losses(self, outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        assert isinstance(outputs, Mapping)
        return {
            "class": F.cross_entropy(outputs["logits"], batch.targets, reduction="none"),
            "place": (outputs["places"] - batch["places"]).abs().mean(dim=1),
        }

    def chance_loss(self, targets: Any) -> float:
        return 1.0

    def tally(self) -> Any:
        raise NotImplementedError

    def predict(self, outputs: Outputs) -> Prediction:
        return Prediction(main_output(outputs).argmax(1).numpy())


def sequences(lengths: list[int], *, weighted: bool = False, seed: int = 0) -> tuple[Tensor, Batch]:
    """Outputs and a padded batch; what lies in the padding is not a number."""
    generator = torch.Generator().manual_seed(seed)
    longest = max(lengths)
    mask = torch.arange(longest) < torch.tensor(lengths)[:, None]
    outputs = torch.randn(len(lengths), longest, 4, generator=generator).masked_fill(~mask[..., None], float("nan"))
    tensors = {
        "inputs": torch.zeros(len(lengths), longest),
        "targets": torch.randint(0, 4, (len(lengths), longest), generator=generator),
        "mask": mask,
    }
    if weighted:
        tensors["weights"] = torch.rand(len(lengths), longest, generator=generator) + 0.1
    return outputs, Batch(tensors)


def unpadded(outputs: Tensor, batch: Batch) -> float:
    """The loss by hand: every position that is there, one after the other."""
    total = whole = 0.0
    for row, length in enumerate(batch.mask.sum(1).tolist()):
        for place in range(length):
            weight = 1.0 if batch.weights is None else batch.weights[row, place].item()
            total += weight * F.cross_entropy(outputs[row, place], batch.targets[row, place]).item()
            whole += weight
    return total / whole


LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=7)


@given(LENGTHS, st.booleans())
def test_the_loss_of_a_padded_batch_is_that_of_its_examples_without_padding(lengths, weighted) -> None:
    outputs, batch = sequences(lengths, weighted=weighted)
    assert Tagging(4).loss(outputs, batch).item() == pytest.approx(unpadded(outputs, batch), rel=1e-4)


@given(LENGTHS, st.booleans(), st.integers(1, 3))
def test_micro_batches_of_sequences_add_up_to_the_batch(lengths, weighted, size) -> None:
    task, (outputs, batch) = Tagging(4), sequences(lengths, weighted=weighted)
    batch = batch.replace(rows=torch.arange(len(lengths)))
    parts = list(batch.parts(size, task.weight))
    whole = sum(share * task.loss(outputs[part["rows"]], part).item() for part, share in parts)
    assert sum(share for _, share in parts) == pytest.approx(1)
    assert whole == pytest.approx(task.loss(outputs, batch).item(), rel=1e-4)


def test_padding_gets_no_gradient_and_weights_of_examples_spread_over_their_positions() -> None:
    task, (outputs, batch) = Tagging(4), sequences([3, 1])
    outputs = outputs.nan_to_num(0.0).requires_grad_()
    task.loss(outputs, batch).backward()
    assert outputs.grad[1, 1:].eq(0).all() and outputs.grad[1, 0].ne(0).any()
    weighted = batch.replace(weights=torch.tensor([0.0, 2.0]))
    alone = F.cross_entropy(outputs[1, 0], batch.targets[1, 0])
    assert task.loss(outputs, weighted).item() == pytest.approx(alone.item())
    assert task.weight(weighted) == 2.0 and task.weight(batch) == 4.0
    each = task.example_loss(outputs, batch)
    assert each.shape == (2,) and each[1].item() == pytest.approx(alone.item())


def test_without_a_mask_every_position_counts() -> None:
    task = Tagging(4)
    outputs, batch = torch.randn(2, 3, 4), Batch({"inputs": torch.zeros(2), "targets": torch.zeros(2, 3).long()})
    expected = F.cross_entropy(outputs.reshape(-1, 4), batch.targets.reshape(-1)).item()
    assert task.loss(outputs, batch).item() == pytest.approx(expected)
    assert task.weight(batch) == 6.0
    assert task.example_loss(outputs, batch).mean().item() == pytest.approx(expected)


def test_the_loss_is_the_weighted_sum_of_its_parts() -> None:
    task = Located()
    outputs = {"places": torch.randn(4, 2), "logits": torch.randn(4, 3)}
    batch = Batch({"inputs": torch.zeros(4), "targets": torch.tensor([0, 1, 2, 0]), "places": torch.zeros(4, 2)})
    parts = task.loss_parts(outputs, batch)
    assert task.loss(outputs, batch).item() == pytest.approx((parts["class"] + 0.5 * parts["place"]).item())
    assert task.example_loss(outputs, batch).mean().item() == pytest.approx(task.loss(outputs, batch).item())
    assert task.predict(outputs).values.tolist() == outputs["logits"].argmax(1).tolist()
    weighted = batch.replace(weights=torch.tensor([1.0, 0.0, 0.0, 1.0]))
    rows = {name: tensor[[0, 3]] for name, tensor in outputs.items()}
    few = Batch({name: batch[name][[0, 3]] for name in batch.names()})
    assert task.loss(outputs, weighted).item() == pytest.approx(task.loss(rows, few).item())


def test_the_mask_is_passed_by_name() -> None:
    seen = []

    class Net(nn.Module):
        def forward(self, x: Tensor, lengths: Any = None, *, mask: Any = None) -> Tensor:
            seen.append((lengths, mask))
            return x

    batch = Batch({"inputs": torch.zeros(4, 2), "targets": torch.zeros(4)})
    Tagging(4).forward(Net(), batch)
    Tagging(4).forward(Net(), batch.replace(mask=torch.ones(4, 2, dtype=torch.bool)))
    assert seen[0] == (None, None)
    assert seen[1][0] is None and seen[1][1].shape == (4, 2)


def test_known_fraction_counts_right_targets() -> None:
    batch = Batch({"inputs": torch.zeros(4), "targets": torch.tensor([0, 1, 2, 0])})
    outputs = {"logits": torch.eye(3)[[0, 1, 2, 2]], "places": torch.zeros(4, 2)}
    assert Located().known_fraction(outputs, batch) == 0.75
