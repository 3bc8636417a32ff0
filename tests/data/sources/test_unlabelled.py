from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from trainwell.core.errors import DataError, RecipeError
from trainwell.data.examples import Examples
from trainwell.data.prepare import Preparation
from trainwell.data.sources import BUNDLED, from_arrays
from trainwell.data.sources.table import read_table
from trainwell.data.sources.unlabelled import read_inputs
from trainwell.data.values.table import Table
from trainwell.recipe.sections import DataRecipe

RECIPE = DataRecipe()


def fit(examples: Examples) -> Preparation:
    return Preparation.fit(examples, np.arange(0, len(examples), 2), recipe=RECIPE)


ARRAY = fit(from_arrays(np.arange(12.0).reshape(6, 2), np.arange(6) // 3))
DIGITS = fit(BUNDLED["digits"]())


def test_a_table_without_its_target(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("age,town,paid\n30,Rome,yes\n41,Oslo,no\n7,Rome,no\n9,Oslo,no\n")
    (tmp_path / "new.csv").write_text("town;age\nRome;41\n")
    prepared = fit(read_table(tmp_path / "old.csv", RECIPE))
    inputs, ids = read_inputs(str(tmp_path / "new.csv"), prepared, recipe=RECIPE)
    assert isinstance(inputs, Table) and ids == ("line 2",)
    assert prepared.inputs(inputs).shape == (1, 2)


def test_a_row_is_read_alike_whatever_stands_beside_it(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("code,y\n" + "007,a\nabc,b\nabc,b\n007,a\n" * 3)
    prepared = fit(read_table(tmp_path / "old.csv", RECIPE))
    (tmp_path / "both.csv").write_text("code\n007\nabc\n")
    (tmp_path / "one.csv").write_text("code\n007\n")
    both, one = (
        prepared.inputs(read_inputs(str(tmp_path / name), prepared, recipe=RECIPE)[0])
        for name in ("both.csv", "one.csv")
    )
    assert one[0].tolist() == both[0].tolist() and one.any()


def test_images_get_the_shape_of_training(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="reading images needs the package pillow")
    (tmp_path / "below").mkdir()
    for name in ("b.png", "below/a.jpg"):
        image.new("RGB", (20, 10), (200, 200, 200)).save(tmp_path / name)
    for path, names in ((tmp_path, ("b.png", "below/a.jpg")), (tmp_path / "b.png", ("b.png",))):
        inputs, ids = read_inputs(str(path), DIGITS, recipe=RECIPE)
        assert ids == names
        assert DIGITS.inputs(inputs).shape == (len(names), 1, 8, 8)


@pytest.mark.parametrize("names", [{"X": np.ones((3, 2))}, {"x_test": np.ones((3, 2)), "y_test": np.ones(3)}])
def test_arrays(names: dict[str, np.ndarray], tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **names)
    inputs, ids = read_inputs(str(tmp_path / "a.npz"), ARRAY, recipe=RECIPE)
    assert ARRAY.inputs(inputs).shape == (3, 2) and len(ids) == 3


def test_a_single_example_in_memory() -> None:
    assert ARRAY.inputs(ARRAY.kind.given([[1, 2]])).shape == (1, 2)


def test_bundled_names_and_idx_files(tmp_path: Path) -> None:
    assert len(read_inputs("digits", DIGITS, recipe=RECIPE)[1]) == 1797
    images = np.arange(128, dtype=np.uint8)
    header = bytes((0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0, 8))
    (tmp_path / "new-images").write_bytes(header + images.tobytes())
    inputs, ids = read_inputs(str(tmp_path / "new-images"), DIGITS, recipe=RECIPE)
    assert DIGITS.inputs(inputs).shape == (2, 1, 8, 8) and ids[1] == "image 1"


def test_what_cannot_be_answered_is_one_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.csv").write_text("a,b\n1,2,3\n")
    np.savez(tmp_path / "a.npz", z=np.ones(3))
    (tmp_path / "empty").mkdir()
    cases = [
        ("absent", ARRAY, "There is no file or folder"),
        ("pipe", ARRAY, "must be a regular file"),
        ("a.csv", ARRAY, "is read as a table, but the network was trained on arrays"),
        ("a.npz", ARRAY, "must contain arrays named X and y, or x_train, y_train, x_test, y_test, got z"),
        ("empty", ARRAY, "contains images, but the network was trained on arrays"),
        ("empty", DIGITS, "contains no images to predict"),
    ]
    with pytest.raises(RecipeError, match="inputs to predict are missing"):
        read_inputs("", DIGITS, recipe=RECIPE)
    for name, prepared, sentence in cases:
        with pytest.raises(DataError) as error:
            read_inputs(str(tmp_path / name), prepared, recipe=RECIPE)
        assert sentence in str(error.value)
