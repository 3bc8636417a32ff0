"""Neighbours of an image (docs/curriculum.md, A12)."""

from __future__ import annotations

import numpy as np
import pytest

import trainwell as tw
from trainwell.core.errors import DataError
from trainwell.fitting import open_run
from trainwell.inference import similar

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shades")
    rng = np.random.default_rng(0)
    for number in range(40):
        kind = number % 2
        (folder / "data" / "ab"[kind]).mkdir(parents=True, exist_ok=True)
        shade = rng.integers(0, 90, (12, 12, 3), dtype=np.uint8) + 150 * kind
        Image.fromarray(shade.astype(np.uint8)).save(folder / "data" / "ab"[kind] / f"{number}.png")
    tw.fit(folder / "data", epochs=2, edits={"nn.model": "mlp"}, runs=folder, name="shades")
    return folder


def test_the_nearest_look_alike_and_the_query_is_not_its_own_neighbour(place) -> None:
    found = similar(open_run(place / "shades"), str(place / "data/a/0.png"), gallery=str(place / "data"), count=5)
    assert len(found.neighbours) == 5
    assert "a/0.png" not in [neighbour.id for neighbour in found.neighbours]
    distances = [neighbour.distance for neighbour in found.neighbours]
    assert distances == sorted(distances) and distances[0] > 0
    assert found.precision == found.precision_of_gallery == 1.0
    assert found.to_json()["neighbours"][0]["label"] == "a"


def test_bad_requests_are_one_sentence(place, tmp_path) -> None:
    run = open_run(place / "shades")
    with pytest.raises(DataError, match="no file or folder"):
        similar(run, str(place / "data/a/0.png"), gallery=str(tmp_path / "nix"))
    with pytest.raises(DataError, match="needs one image"):
        similar(run, str(place / "data"), gallery=str(place / "data"))
