from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import numpy as np
import pytest

from trainwell.core.errors import DataError, RecipeError, TrainwellError
from trainwell.data.sources import read
from trainwell.recipe.sections import DataRecipe


def test_every_kind_of_source_is_recognised(tmp_path: Path) -> None:
    assert read(DataRecipe(source="wine")).name == "wine"
    np.savez(tmp_path / "a.npz", X=np.eye(4), y=[0, 1, 0, 1])
    assert read(DataRecipe(source=str(tmp_path / "a.npz"))).kind.name == "array"
    (tmp_path / "a.txt").write_text("a,y\n1,x\n2,z\n")
    assert read(DataRecipe(source=str(tmp_path / "a.txt"))).kind.name == "table"


def test_the_task_can_be_decided(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,y\n1,3\n2,4\n3,4\n4,3\n")
    recipe = DataRecipe(source=str(tmp_path / "a.csv"))
    assert read(recipe).target_type == "classes"
    assert read(recipe, target_type="numbers").target_type == "numbers"


def broken(folder: Path) -> dict[str, tuple[str, str]]:
    (folder / "empty").mkdir()
    (folder / "nothing.csv").touch()
    (folder / "tables").mkdir()
    (folder / "tables" / "a.csv").touch()
    (folder / "flat").mkdir()
    (folder / "flat" / "a.png").touch()
    (folder / "model.pkl").write_bytes(b"cos\nsystem\n")
    os.mkfifo(folder / "pipe")
    return {
        "typo": ("digitz", "Unknown data set 'digitz': did you mean 'digits'? Give a bundled data set (digits, iris,"),
        "path": (f"{folder}/nothing.cvs", "did you mean 'nothing.csv'?"),
        "nul": ("a\0b", "Unknown data set 'ab'"),
        "empty": (
            f"{folder}/empty",
            "must contain images or texts (.txt) in one sub-folder for each class, but there is none",
        ),
        "empty file": (f"{folder}/nothing.csv", "nothing.csv is empty"),
        "tables": (f"{folder}/tables", "but it contains the table a.csv: give its path"),
        "flat": (f"{folder}/flat", "but it contains 1 images, but not in sub-folders"),
        "pickle": (f"{folder}/model.pkl", "model.pkl cannot be read safely as data"),
        "pipe": (f"{folder}/pipe", "pipe cannot be read safely as data"),
    }


@pytest.mark.parametrize("case", ["typo", "path", "nul", "empty", "empty file", "tables", "flat", "pickle", "pipe"])
def test_what_cannot_be_read_is_one_sentence(case: str, tmp_path: Path) -> None:
    source, sentence = broken(tmp_path)[case]
    with pytest.raises(DataError) as error:
        read(DataRecipe(source=source))
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_columns_of_bundled_tables_are_chosen() -> None:
    examples = read(DataRecipe(source="iris", target="sepal length (cm)", drop=("petal length (cm)",)))
    assert (examples.target_type, examples.features) == ("numbers", ("sepal width (cm)", "petal width (cm)", "target"))
    assert read(DataRecipe(source="diabetes", drop=("sex",))).features[:2] == ("age", "bmi")


def test_settings_that_a_source_does_not_heed(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="data.drop does not apply to digits") as error:
        read(DataRecipe(source="digits", drop=("foo",), group="bar"))
    assert len(error.value.mistakes) == 2
    np.savez(tmp_path / "a.npz", X=np.eye(4), y=[0, 1, 0, 1])
    with pytest.raises(RecipeError, match="data.target does not apply to a.npz, got 'y'"):
        read(DataRecipe(source=str(tmp_path / "a.npz"), target="y"))
    assert "data.image_size = 32 is ignored" in read(DataRecipe(source="digits", image_size=32)).remarks[-1]


def test_no_source_is_not_this_folder() -> None:
    with pytest.raises(RecipeError, match="data.source must be a data set, got ''"):
        read(DataRecipe(source=""))


def whole(kind: str) -> bytes:
    file = io.BytesIO()
    numbers, classes = np.arange(60.0).reshape(30, 2), np.arange(30) % 2
    if kind == "npz":
        np.savez_compressed(file, X=numbers, y=classes)
    elif kind == "parquet":
        polars = pytest.importorskip("polars", reason="Parquet needs the package polars")
        polars.DataFrame({"a": numbers[:, 0], "t": ["x", "y"] * 15, "y": classes}).write_parquet(file)
    else:
        header = bytes((0, 0, 8, 3, 0, 0, 0, 30, 0, 0, 0, 1, 0, 0, 0, 2))
        file.write(gzip.compress(header + numbers.astype(np.uint8).tobytes()))
    return file.getvalue()


@pytest.mark.parametrize("kind", ["npz", "parquet", "gz"])
def test_damaged_bytes_give_examples_or_a_sentence(kind: str, tmp_path: Path) -> None:
    path = tmp_path / ("train-images-idx3-ubyte.gz" if kind == "gz" else f"a.{kind}")
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(bytes((0, 0, 8, 1, 0, 0, 0, 30)) + bytes((0, 1)) * 15)
    content, generator = whole(kind), np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for place in generator.integers(0, len(content), 3).tolist():
            damaged[place] = int(generator.integers(0, 256))
        path.write_bytes(
            damaged[: int(generator.integers(1, len(content) + 1))] if generator.random() < 0.3 else damaged
        )
        try:
            read(DataRecipe(source=str(path)))
        except TrainwellError:
            refused += 1
    path.write_bytes(content)
    assert len(read(DataRecipe(source=str(path)))) == 30
    assert refused > 75


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n")
    (tmp_path / "a.csv").chmod(0)
    with pytest.raises(DataError, match="Permission denied"):
        read(DataRecipe(source=str(tmp_path / "a.csv")))
