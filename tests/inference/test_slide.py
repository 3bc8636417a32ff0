"""All windows of a large image in one pass equal the classifier on each by itself (docs/curriculum.md, A9)."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pytest
import torch

import trainwell as tw
from trainwell.core.errors import DataError, UsageError
from trainwell.data import Preparation
from trainwell.fitting import open_run
from trainwell.inference import slide
from trainwell.inference.slide import by_crops, in_one_pass, prepare_large
from trainwell.nn import fully_convolutional

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    images = rng.integers(0, 120, (90, 32, 32, 3)).astype(np.uint8)
    for number, label in enumerate(labels):
        images[number, :, :, label] += 120
    folder = tmp_path_factory.mktemp("runs")
    edits = {
        "nn.model": "lenet",
        "optim.name": "adamw",
        "optim.learning_rate": 3e-3,
        "data.flip": False,
        "data.shift": 0,
    }
    path = tw.fit((images, labels), epochs=4, runs=folder, edits=edits).path
    return open_run(path)


@pytest.fixture
def large(tmp_path):
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 120, (70, 110, 3)).astype(np.uint8)
    pixels[:, :55, 0] += 120
    pixels[:, 55:, 2] += 120
    Image.fromarray(pixels).save(tmp_path / "large.png")
    return tmp_path / "large.png"


def test_one_pass_equals_crop_by_crop(run, large, monkeypatch) -> None:
    model = run.model()
    preparation = Preparation.from_json(_description(run))
    affine = preparation.fitted.channel_affine
    assert affine is not None
    inputs = prepare_large(np.asarray(Image.open(large)), affine[0], shift=affine[1])
    slid, stride = fully_convolutional(model, (3, 32, 32))
    whole = in_one_pass(slid, inputs, window=(32, 32), stride=stride)
    monkeypatch.setattr(
        importlib.import_module("trainwell.inference.slide"), "_PIXELS_AT_ONCE", 5000
    )  # strips of a few rows
    for outputs in (whole, in_one_pass(slid, inputs, window=(32, 32), stride=stride)):
        assert torch.allclose(outputs, by_crops(model, inputs, window=(32, 32), stride=stride), atol=1e-4)


def test_the_map_shows_what_is_where(run, large) -> None:
    found = slide(run, large)
    assert found.classes.shape == ((70 - 32) // 4 + 1, (110 - 32) // 4 + 1)
    assert {found.labels[n] for n in found.classes[:, 0]} == {"0"}
    assert {found.labels[n] for n in found.classes[:, -1]} == {"2"}
    assert found.image().shape == (*found.classes.shape, 3)
    assert sum(found.shares().values()) == pytest.approx(1)
    crops = slide(run, large, crops=True, stride=4)
    assert np.array_equal(crops.classes, found.classes)
    assert (found.to_json()["one_pass"], crops.to_json()["one_pass"]) == (True, False)


def test_bad_requests_are_one_sentence(run, large, tmp_path) -> None:
    Image.new("RGB", (40, 20)).save(tmp_path / "small.png")
    with pytest.raises(UsageError, match="must have at least the 32x32 pixels"):
        slide(run, tmp_path / "small.png")
    with pytest.raises(DataError, match="cannot be used"):
        slide(run, tmp_path / "absent.png")
    other = tw.fit("iris", epochs=1, runs=tmp_path)
    with pytest.raises(UsageError, match="slide needs the run of an image classifier"):
        slide(open_run(other.path), large)


def _description(run) -> dict:
    return json.loads((run.path / "model" / "preparation.json").read_text())["preparation"]
