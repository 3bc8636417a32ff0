"""A batch is frozen, and its parts add up to it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainwell.core.batch import Batch


def make(size: int, **more: torch.Tensor) -> Batch:
    return Batch({"inputs": torch.randn(size, 3), "targets": torch.arange(size), **more})


def test_a_batch_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="replace"):
        make(2).inputs = torch.zeros(2, 3)


def test_a_source_may_name_further_tensors() -> None:
    batch = make(4, boxes=torch.zeros(4, 2, 4))
    assert batch["boxes"].shape == (4, 2, 4)
    assert "boxes" in batch
    assert batch.slice(1, 3)["boxes"].shape == (2, 2, 4)
    assert batch.names() == ("inputs", "targets", "boxes")


@given(st.integers(1, 20), st.integers(1, 25))
def test_parts_are_the_batch_and_shares_add_up(size: int, part: int) -> None:
    batch = make(size)
    parts = list(batch.parts(part))
    assert torch.equal(torch.cat([piece.inputs for piece, _ in parts]), batch.inputs)
    assert sum(share for _, share in parts) == pytest.approx(1.0)


def test_shares_follow_the_weights_and_a_mask_changes_nothing() -> None:
    weights = torch.tensor([3.0, 1.0])
    assert [share for _, share in make(2, weights=weights).parts(1)] == [0.75, 0.25]
    mask = torch.tensor([[True, True, True], [True, False, False]])
    assert [share for _, share in make(2, mask=mask).parts(1)] == [0.5, 0.5]


@given(st.integers(2, 40), st.integers(2, 20))
def test_no_part_is_a_single_example(size: int, part: int) -> None:
    assert all(len(piece) > 1 for piece, _ in make(size).parts(part))


def test_a_part_that_does_not_count_is_left_out() -> None:
    weights = torch.tensor([1.0, 0.0])
    assert [share for _, share in make(2, weights=weights).parts(1)] == [1.0]


def test_to_moves_every_tensor() -> None:
    batch = make(2, mask=torch.ones(2, 3, dtype=torch.bool)).to("cpu")
    assert batch.mask is not None and batch.mask.device.type == "cpu"
