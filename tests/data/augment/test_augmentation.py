from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.core.errors import RecipeError
from trainwell.data.augment.augmentation import Augment, parse


def batch(count: int = 400, channels: int = 2, height: int = 5, width: int = 7) -> Batch:
    images = torch.arange(1.0, 1 + count * channels * height * width).reshape(count, channels, height, width)
    return Batch({"inputs": images, "targets": torch.arange(count)})


def moved(augment: Augment, whole: Batch, seed: int = 0) -> Tensor:
    torch.default_generator.manual_seed(seed)
    return augment(whole).inputs


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("shift", [0, 1, 3])
def test_every_image_is_one_of_the_possible_crops(shift: int, flip: bool) -> None:
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


def test_the_same_seed_gives_the_same_images() -> None:
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


ALL = ["rotate", "stretch:0.1", "shear", "lens", "elastic", "translate:2", "flip_vertical", "multi_crop", "crop:10"]
COLOURED = ["blur", "colour", "saturation", "pca_colour", "mixup", "cutmix"]


@pytest.mark.parametrize("mix", [1.0, 0.5])
def test_every_step_together_is_a_function_of_the_seed(mix: float) -> None:
    pytest.importorskip("kornia")
    whole = batch(40, 3, 16, 16)
    whole = whole.replace(inputs=torch.rand_like(whole.inputs))
    augment = Augment(shift=1, flip=True, steps=parse([*ALL, *COLOURED]), mix=mix)
    first = moved(augment, whole)
    assert first.shape == whole.inputs.shape and torch.isfinite(first).all()
    assert torch.equal(first, moved(augment, whole))
    assert not torch.equal(first, moved(augment, whole, 1))


def test_a_random_mixture_leaves_some_images_as_they_are() -> None:
    whole = batch(400)
    same = (moved(Augment(steps=parse(["translate:2"]), mix=0.3), whole) - whole.inputs).abs().flatten(1).amax(1) < 1
    assert 240 < same.sum() < 340  # 0.7 + 0.3 / 25 of 400


def test_colours_are_changed_as_if_nothing_had_been_prepared() -> None:
    pytest.importorskip("kornia")
    raw = torch.rand(20, 3, 8, 8)
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)
    shape = (1, 3, 1, 1)
    prepared = (raw - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)
    steps = parse(["colour:0.3"])
    plain = moved(Augment(steps=steps), Batch({"inputs": raw, "targets": torch.zeros(20)}))
    changed = moved(Augment(steps=steps, affine=(mean, std)), Batch({"inputs": prepared, "targets": torch.zeros(20)}))
    torch.testing.assert_close(
        changed * torch.tensor(std).view(shape) + torch.tensor(mean).view(shape), plain, atol=1e-5, rtol=0
    )


def test_boxes_and_points_move_with_shift_and_flip() -> None:
    inputs = torch.zeros(50, 1, 20, 24)
    inputs[:, :, 8:12, 5:9] = 1.0
    boxes, points = (
        torch.tensor([[[5.0, 8.0, 9.0, 12.0]]]).repeat(50, 1, 1),
        torch.tensor([[[6.5, 9.5]]]).repeat(50, 1, 1),
    )
    whole = Batch({"inputs": inputs, "targets": torch.zeros(50), "boxes": boxes, "points": points})
    torch.default_generator.manual_seed(0)
    changed = Augment(shift=3, flip=True)(whole)
    for image, (box,), (point,) in zip(changed.inputs[:, 0], changed["boxes"], changed["points"], strict=True):
        rows, columns = image.nonzero(as_tuple=True)
        expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        torch.testing.assert_close(box, torch.tensor([float(edge) for edge in expected]), atol=1e-3, rtol=0)
        torch.testing.assert_close(
            point, torch.tensor([columns.float().mean(), rows.float().mean()]), atol=1e-3, rtol=0
        )


def test_label_noise_changes_about_its_share_of_labels() -> None:
    whole = batch(2000)
    whole = whole.replace(targets=torch.zeros(2000, dtype=torch.int64))
    torch.default_generator.manual_seed(0)
    changed = Augment(noise=(0.2, 10))(whole)
    assert (changed.targets != 0).float().mean().item() == pytest.approx(0.18, abs=0.03)
    assert changed.inputs is whole.inputs


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["rotat"], "Did you mean 'rotate'"),
        (["rotate:x"], "must be a name and a number above 0, got 'rotate:x'"),
        (["rotate:-3", "flip:2"], "the recipe has 2 mistakes"),
    ],
)
def test_mistakes_in_names_and_strengths(texts, said) -> None:
    with pytest.raises(RecipeError, match=said):
        parse(texts)
