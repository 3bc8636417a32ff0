from __future__ import annotations

import numpy as np
import pytest

from trainwell.core.errors import ShapeError
from trainwell.data.kinds import KINDS, image
from trainwell.data.kinds.array import ArrayPreparation
from trainwell.data.kinds.image import ImagePreparation
from trainwell.recipe.sections import DataRecipe

IMAGE = KINDS["image"]
PIXELS = np.random.default_rng(0).integers(0, 256, (20, 6, 5, 3), dtype=np.uint8)


def fit(pixels: np.ndarray, **settings: str) -> ImagePreparation:
    recipe = DataRecipe(**settings)  # type: ignore[arg-type]
    fitted, _ = IMAGE.fit(pixels, np.arange(len(pixels)), settings=recipe, name="toy", features=())
    assert isinstance(fitted, ImagePreparation)
    return fitted


def test_another_size_is_refused_in_words() -> None:
    with pytest.raises(ShapeError, match=r"images of shape \(6, 5, 3\) as in training, got \(5, 6, 3\)"):
        fit(PIXELS).arrays(PIXELS.swapaxes(1, 2))


@pytest.mark.parametrize("prepare", ["standardise", "mean_image"])
def test_pixels_too_large_for_floats_are_prepared_batch_by_batch_bit_for_bit(monkeypatch, prepare: str) -> None:
    from trainwell.core.batch import Batch

    fitted = fit(PIXELS, prepare=prepare)
    whole = fitted.source(PIXELS)
    assert whole.finish is None
    monkeypatch.setattr(image, "_FLOAT_BYTES", 0)
    parts = fitted.source(PIXELS)
    assert parts.finish is not None and parts.tensors["inputs"] is PIXELS
    import torch

    raw = Batch({"inputs": torch.from_numpy(PIXELS), "targets": torch.zeros(20)})
    assert torch.equal(parts.finish(raw).inputs, whole.tensors["inputs"])  # type: ignore[arg-type]


def test_a_view_undoes_the_preparation() -> None:
    for prepare in ("standardise", "min_max", "none"):
        fitted = fit(PIXELS, prepare=prepare)
        pixels = [view.pixels for view in fitted.view(fitted.arrays(PIXELS)["inputs"])]
        np.testing.assert_array_equal(pixels, PIXELS)
    rotated = fit(PIXELS, prepare="mean_image")
    shown = np.array([view.pixels for view in rotated.view(rotated.arrays(PIXELS)["inputs"])])
    assert shown.min() == 0 and shown.max() == 255


def test_statistics_are_adopted_for_another_size_but_not_for_other_channels() -> None:
    fitted = fit(PIXELS)
    larger = fitted.adopted(ImagePreparation((3, 12, 10)))
    assert isinstance(larger, ImagePreparation) and larger.mean == fitted.mean and larger.facts.shape == (3, 12, 10)
    assert fitted.adopted(ImagePreparation((1, 6, 5))) is None
    assert fitted.adopted(ArrayPreparation((3, 6, 5))) is None
    assert fit(PIXELS, prepare="mean_image").adopted(ImagePreparation((3, 12, 10))) is None


def test_published_statistics_of_grey_images_are_the_mean_over_the_channels() -> None:
    mean = (0.2, 0.4, 0.6)
    grey = ImagePreparation((1, 8, 8)).published(mean, mean)
    assert grey is not None and grey.mean == pytest.approx((0.4,))
    assert ImagePreparation((2, 8, 8)).published(mean, mean) is None


def test_images_of_one_colour_are_found() -> None:
    pixels = PIXELS.copy()
    pixels[4] = 77
    measured = IMAGE.measure(pixels, (), most=100)
    assert list(measured) == [
        f"{what} {name}" for what in ("mean", "deviation of") for name in ("red", "green", "blue")
    ]
    (finding,) = IMAGE.findings(pixels, ids=[f"p{i}" for i in range(20)], measured=measured)
    assert finding.rule == "blank_images" and finding.where == ("p4",)
    assert not list(IMAGE.findings(PIXELS, ids=(), measured=IMAGE.measure(PIXELS, (), most=100)))
