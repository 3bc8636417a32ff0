"""Looking inside a trained network (docs/curriculum.md, L4, L5, L6)."""

from __future__ import annotations

import numpy as np
import pytest

import trainwell as tw
from trainwell.core.errors import DataError, UnknownNameError, UsageError
from trainwell.fitting import open_run
from trainwell.inference import ExplanationRequest, explain

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A network that tells bright squares on the left from those on the right."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("squares")
    images = rng.integers(0, 60, (160, 16, 16, 3), dtype=np.uint8)
    for number, image in enumerate(images):
        side, y = number % 2, int(rng.integers(1, 10))
        image[y : y + 5, 9 * side + 1 : 9 * side + 6] = rng.integers(180, 256)
        (folder / "data" / "lr"[side]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / "data" / "lr"[side] / f"{number}.png")
    edits = {"nn.model": "lenet5", "train.batch_size": 16, "optim.learning_rate": 3e-3}
    return open_run(tw.fit(folder / "data", epochs=6, edits=edits, runs=folder / "runs", name="squares").path)


@pytest.fixture(scope="module")
def one(run):
    return str(run.path.parents[1] / "data" / "l" / "0.png")


def test_maps_glow_at_the_square_and_the_mask_finds_it(run, one) -> None:
    found = explain(run, ExplanationRequest(one))
    assert found.image.top_classes[0][0] == "l"
    assert {"image", "gradient", "integrated gradients", "grad cam", "occlusion", "mask"} <= set(found.images)
    glow = found.images["integrated gradients"][..., 0].astype(float)
    assert glow[:, :8].mean() > glow[:, 8:].mean()
    assert 0.02 < found.image.mask_share < 0.5
    assert found.images["first-layer filters"].shape == (7, 37, 3)


def test_an_attack_leads_to_the_chosen_class_within_its_strength(run, one) -> None:
    found = explain(run, ExplanationRequest(one, toward="r", strength=120, maps=("gradient",)))
    assert found.image.attacked is not None and found.image.attacked.probability > found.image.attacked.before
    change = found.images["adversarial: r"].astype(int) - found.images["image"]
    assert 0 < np.abs(change).max() <= 120
    for row in found.network.by_strength.values():
        assert row[0.0] == pytest.approx(1 - found.network.errors["top1"])
        assert row[32.0] <= row[0.0]


def test_the_network_alone(run) -> None:
    found = explain(run, ExplanationRequest())
    assert found.network.split == "validation"
    assert found.network.maps["pca"].shape == found.network.maps["tsne"].shape == (len(found.network.classes), 2)
    assert sum(found.network.calibration.counts) == len(found.network.classes)


@pytest.mark.parametrize(
    ("asked", "kind", "said"),
    [
        ({"about": "left"}, UsageError, "must be one of the labels, got 'left'"),
        ({"toward": "middle"}, UsageError, "Labels: l, r"),
        ({"maps": ("gradcam",)}, UnknownNameError, "Did you mean 'grad_cam'"),
        ({"image": "nowhere.png"}, DataError, "no file or folder"),
    ],
)
def test_bad_requests_are_one_sentence(run, one, asked, kind, said) -> None:
    with pytest.raises(kind, match=said):
        explain(run, ExplanationRequest(**{"image": one} | asked))


def test_a_network_on_tables_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match="image classifier, got rows of a table"):
        explain(open_run(tw.fit("iris", epochs=1, runs=tmp_path).path), ExplanationRequest())


def test_data_that_are_gone_leave_the_image_explained(tmp_path) -> None:
    rng = np.random.default_rng(0)
    made = (rng.integers(0, 256, (40, 16, 16, 1), dtype=np.uint8), np.arange(40) % 2)
    run = tw.fit(made, epochs=1, edits={"nn.model": "lenet5"}, runs=tmp_path)
    Image.fromarray(made[0][0, ..., 0]).save(tmp_path / "a.png")
    found = explain(open_run(run.path), ExplanationRequest(str(tmp_path / "a.png"), maps=("gradient",)))
    assert "gradient" in found.images
    assert "given from Python" in found.remarks[0]
