from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from trainwell.core.errors import DataError
from trainwell.data.sources.arrays import from_arrays, read_npz

TEN = np.arange(10) % 2


@pytest.mark.parametrize(
    ("x", "kind", "shape"),
    [
        (np.zeros((10, 3)), "array", (10, 3)),
        (np.zeros(10), "array", (10, 1)),
        (np.zeros((10, 3), np.int64), "array", (10, 3)),
        (np.zeros((10, 2, 5), np.float32), "array", (10, 2, 5)),
        (np.zeros((10, 8, 8), np.uint8), "image", (10, 8, 8, 1)),
        (np.zeros((10, 8, 8, 3), np.uint8), "image", (10, 8, 8, 3)),
        (np.zeros((10, 3, 8, 8), np.uint8), "image", (10, 8, 8, 3)),
        (np.zeros((10, 4, 8, 8), np.uint8), "array", (10, 4, 8, 8)),
        (torch.zeros(10, 3, requires_grad=True), "array", (10, 3)),
        ([[1, 2]] * 10, "array", (10, 2)),
    ],
)
def test_kinds_of_inputs(x: object, kind: str, shape: tuple[int, ...]) -> None:
    examples = from_arrays(x, TEN)
    assert (examples.kind.name, examples.inputs.shape) == (kind, shape)  # type: ignore[union-attr]
    assert examples.inputs.dtype == (np.uint8 if kind == "image" else np.float32)  # type: ignore[union-attr]


def test_names_task_and_labels() -> None:
    examples = from_arrays(np.zeros((4, 2)), ["b", "a", "b", "a"], name="mine")
    assert (examples.name, examples.labels, examples.features) == ("mine", ("a", "b"), ("x0", "x1"))
    assert from_arrays(np.zeros((10, 2)), torch.arange(10.0) / 3).target_type == "numbers"
    assert from_arrays(np.zeros((10, 2)), TEN.astype(np.float64), target_type="numbers").target_type == "numbers"


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        (np.zeros((9, 2)), TEN, "x and y of arrays must have the same length, got 9 and 10"),
        (np.zeros((0, 2)), [], "has no examples"),
        (np.array([[None, 1]] * 10), TEN, "x of arrays must contain numbers, got object"),
        (np.array([["a"]] * 10), TEN, "x of arrays must contain numbers"),
        (np.zeros((10, 2), complex), TEN, "got complex128"),
        (np.zeros((10, 2)), np.array([object()] * 10), "y of arrays must contain numbers or text, got object"),
        ([[1, 2], [3]], [0, 1], "got rows of different lengths"),
        (np.array([[1.0, np.nan]] * 10), TEN, "must be finite numbers, got NaN or infinity in row 0"),
        (np.array([[1.0, 1e300]] * 10), TEN, "must be finite numbers"),
        (np.zeros((10, 2)), np.full(10, np.nan), "Target 'y' is missing in"),
        (np.zeros((10, 2)), np.ones(10), "has a single class, '1'"),
        (5, TEN, "x of arrays must be an array"),
        (np.zeros((10, 0)), TEN, "at least one number per example"),
    ],
)
def test_arrays_that_cannot_be_used(x: object, y: object, sentence: str) -> None:
    with pytest.raises(DataError) as error:
        from_arrays(x, y)
    assert sentence in str(error.value)


def test_an_npz_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.ones((10, 3)), y=TEN)
    examples = read_npz(tmp_path / "a.npz")
    assert (len(examples), examples.name, examples.given) == (10, "a.npz", None)
    np.savez_compressed(tmp_path / "b.npz", X=np.ones((10, 3)), y=TEN / 7)
    assert read_npz(tmp_path / "b.npz").target_type == "numbers"


def test_an_npz_file_with_splits(tmp_path: Path) -> None:
    parts = {"x_train": np.zeros((6, 4, 4), np.uint8), "y_train": TEN[:6], "x_test": np.ones((4, 4, 4), np.uint8)}
    np.savez(tmp_path / "a.npz", **parts, y_test=TEN[:4])
    examples = read_npz(tmp_path / "a.npz")
    assert examples.given is not None and examples.given.tolist() == [0] * 6 + [2] * 4
    assert examples.kind.name == "image" and examples.inputs[6:].min() == 1  # type: ignore[index]


def test_x_beside_other_splits_is_the_training_split(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.zeros((6, 3)), y=TEN[:6], X_test=np.ones((4, 3)), y_test=TEN[:4])
    examples = read_npz(tmp_path / "a.npz")
    assert examples.given is not None and examples.given.tolist() == [0] * 6 + [2] * 4
    np.savez(tmp_path / "a.npz", X=np.zeros((6, 3)), y=TEN[:6], X_test=np.ones((4, 3)))
    examples = read_npz(tmp_path / "a.npz")
    assert examples.given is None and "Skipped, because they have no targets: X_test." in examples.remarks


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"X": np.zeros((6, 2)), "y": TEN[:6], "x_train": np.zeros((6, 2)), "y_train": TEN[:6]}, "got X and x_train"),
        ({"x_train": np.float64(3), "y_train": np.float64(3)}, "x of a.npz must be an array"),
        ({"a": TEN}, "must contain arrays named X and y, or x_train, y_train, x_test, y_test, got a"),
        ({"X": TEN}, "must contain targets as y, y_train or y_test, got X"),
        ({"X": np.array([{}] * 2), "y": TEN[:2]}, "it contains Python objects"),
        ({"x_train": np.zeros((6, 2)), "y_train": TEN[:5]}, "x_train and y_train of a.npz must have the same length"),
        (
            {"x_train": np.zeros((6, 2)), "y_train": TEN[:6], "x_test": np.zeros((4, 3)), "y_test": TEN[:4]},
            "must have equal shapes",
        ),
    ],
)
def test_npz_files_that_cannot_be_used(arrays: dict[str, np.ndarray], sentence: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError) as error:
        read_npz(tmp_path / "a.npz")
    assert sentence in str(error.value)


@pytest.mark.parametrize("cut", [10, 100, 300])
def test_a_truncated_npz_file(cut: int, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.ones((10, 3)), y=TEN)
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:cut])
    with pytest.raises(DataError, match="Cannot read the arrays of"):
        read_npz(tmp_path / "a.npz")


def test_a_header_that_lies_about_its_size(tmp_path: Path) -> None:
    import io
    import zipfile

    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("X.npy", content.getvalue())
        file.writestr("y.npy", content.getvalue())
    with pytest.raises(DataError, match="Cannot read the arrays of"):
        read_npz(tmp_path / "a.npz")


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(pickle.dumps({"X": 1}))
    with pytest.raises(DataError):
        read_npz(tmp_path / "a.npz")
