from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.data.augment import Augment


def batch(count: int = 400, channels: int = 2, height: int = 5, width: int = 7) -> Batch:
    pictures = torch.arange(1.0, 1 + count * channels * height * width).reshape(count, channels, height, width)
    return Batch({"inputs": pictures, "targets": torch.arange(count)})


def moved(augment: Augment, whole: Batch, seed: int = 0) -> Tensor:
    torch.default_generator.manual_seed(seed)
    return augment(whole).inputs


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("shift", [0, 1, 3])
def test_every_picture_is_one_of_the_possible_crops(shift: int, flip: bool) -> None:
    whole = batch()
    inputs = moved(Augment(shift=shift, flip=flip), whole)
    assert inputs.shape == whole.inputs.shape and inputs.is_contiguous()
    padded = F.pad(whole.inputs, (shift,) * 4)
    found = torch.zeros(len(whole), dtype=torch.int64)
    for mirrored in (False, True) if flip else (False,):
        for down in range(2 * shift + 1):
            for right in range(2 * shift + 1):
                crop = padded[:, :, down : down + 5, right : right + 7]
                crop = crop.flip(3) if mirrored else crop
                found += (crop == inputs).flatten(1).all(1)
    assert (found == 1).all()


def test_draws_differ_between_examples_and_cover_everything() -> None:
    whole = Batch({"inputs": batch().inputs[:1].expand(400, -1, -1, -1), "targets": torch.zeros(400)})
    different = torch.unique(moved(Augment(shift=1, flip=True), whole).flatten(1), dim=0)
    assert len(different) == 18
    mirrored = (moved(Augment(flip=True), whole) != whole.inputs).flatten(1).any(1)
    assert 150 < mirrored.sum() < 250


def test_the_same_seed_gives_the_same_pictures() -> None:
    augment = Augment(shift=2, flip=True)
    assert torch.equal(moved(augment, batch(), 1), moved(augment, batch(), 1))
    assert not torch.equal(moved(augment, batch(), 1), moved(augment, batch(), 2))


def test_everything_else_stays() -> None:
    whole = batch(4)
    before = whole.inputs.clone()
    augmented = Augment(shift=1, flip=True)(whole)
    assert augmented.targets is whole.targets
    assert torch.equal(whole.inputs, before)
    assert Augment()(whole) is whole


def test_nothing_is_drawn_where_nothing_is_done() -> None:
    torch.default_generator.manual_seed(0)
    expected = torch.rand(1)
    torch.default_generator.manual_seed(0)
    Augment()(batch(4))
    assert torch.rand(1) == expected
