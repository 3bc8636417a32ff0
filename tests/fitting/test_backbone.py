"""fit --model timm:NAME with weights saved locally (docs/curriculum.md, H5)."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch

import trainwell as tw
from trainwell.core.errors import RecipeError, UsageError
from trainwell.data import KINDS, Preparation
from trainwell.data.kinds.image import ImagePreparation
from trainwell.data.kinds.table import TablePreparation
from trainwell.fitting.backbone import as_published, published

Image = pytest.importorskip("PIL.Image")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed"),
]


def test_a_backbone_trains_on_photos_with_its_own_preparation(tmp_path) -> None:
    from safetensors.torch import load_file, save_file

    from trainwell.nn import backbone

    rng = np.random.default_rng(0)
    for label in ("dark", "light"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(10):
            pixels = rng.integers(0, 100, (40, 50, 3)) + 100 * (label == "light")
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photos" / label / f"{number}.png")
    weights = tmp_path / "weights.safetensors"
    save_file(backbone("timm:resnet10t", input_shape=(3, 64, 64), outputs=5, pretrained=False).state_dict(), weights)
    edits = {"nn.model": f"timm:resnet10t@{weights}", "data.image_size": 48}
    run = tw.fit(tmp_path / "photos", epochs=1, edits=edits, runs=tmp_path)
    assert run.recipe.data.interpolation == "bicubic"
    assert run.facts.input_shape == (3, 48, 48)
    early = {
        "transfer.source": edits["nn.model"],
        "transfer.layers": "3",
        "optim.learning_rate": 1e-9,
        "data.image_size": 48,
    }
    partly = tw.fit(tmp_path / "photos", epochs=1, edits=early, runs=tmp_path).model().state_dict()
    given = load_file(weights)
    kept = [name for name, tensor in partly.items() if name.endswith("weight") and name in given
            and tensor.shape == given[name].shape and torch.allclose(tensor, given[name], atol=1e-5)]  # fmt: skip
    assert "conv1.0.weight" in kept and not any(name.startswith("layer4.0.conv") for name in kept)
    weights.unlink()  # a trained run needs them no more
    assert run.model()(torch.zeros(2, 3, 48, 48)).shape == (2, 1)


def image_preparation(channels: int) -> Preparation:
    return Preparation(KINDS["image"], ImagePreparation((channels, 32, 32)))


def test_what_a_backbone_asks_for() -> None:
    with pytest.raises(RecipeError, match="data.prepare must be 'standardise' for timm:resnet18"):
        published("timm:resnet18", "mean_image")
    photos = np.zeros((8, 32, 32, 3), np.uint8), np.arange(8) % 2
    with pytest.raises(RecipeError, match="data.prepare must be 'standardise' for timm:resnet18"):
        tw.fit(photos, edits={"nn.model": "timm:resnet18", "data.prepare": "mean_image"})
    asked = published("timm:resnet18", "standardise")
    assert asked["data.image_size"][0] == 224
    assert asked["data.centre_crop"][0] == 0.95  # crop_pct of these weights
    for channels, mean in ((3, (0.485, 0.456, 0.406)), (1, (pytest.approx(0.449),))):
        prepared = as_published("timm:resnet18", image_preparation(channels))
        assert prepared.fitted.colours[0] == mean
    with pytest.raises(UsageError, match="needs images of 1 or 3 channels"):
        as_published("timm:resnet18", Preparation(KINDS["table"], TablePreparation((5,))))
