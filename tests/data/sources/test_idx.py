from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from trainwell.core.errors import DataError
from trainwell.data.sources.idx import is_idx_folder, read_idx

FASHION = Path(__file__).parents[4] / "shared" / "data" / "fashion-mnist"


def idx(array: np.ndarray, *, shape: tuple[int, ...] | None = None, kind: int = 8) -> bytes:
    shape = shape or array.shape
    return bytes((0, 0, kind, len(shape))) + struct.pack(f">{len(shape)}I", *shape) + array.tobytes()


def write(
    folder: Path, split: str = "train", *, zipped: bool = False, images: bytes = b"", labels: bytes = b""
) -> Path:
    some = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)
    parts = {"images-idx3": images or idx(some), "labels-idx1": labels or idx(np.arange(6, dtype=np.uint8) % 3)}
    for name, content in parts.items():
        path = folder / f"{split}-{name}-ubyte{'.gz' if zipped else ''}"
        path.write_bytes(gzip.compress(content) if zipped else content)
    return folder / f"{split}-images-idx3-ubyte{'.gz' if zipped else ''}"


@pytest.mark.parametrize("zipped", [False, True])
def test_a_folder_with_train_and_test(zipped: bool, tmp_path: Path) -> None:
    write(tmp_path, "train", zipped=zipped)
    write(tmp_path, "t10k", zipped=not zipped)
    assert is_idx_folder(tmp_path)
    examples = read_idx(tmp_path)
    assert examples.inputs.shape == (12, 4, 3, 1)  # type: ignore[union-attr]
    assert examples.given is not None and sorted(examples.given.tolist()) == [0] * 6 + [2] * 6
    assert examples.targets.tolist() == [0, 1, 2] * 4
    assert {examples.ids[int(i)] for i in np.flatnonzero(examples.given)} == {f"t10k {i}" for i in range(6)}


def test_a_single_file_with_its_labels_beside(tmp_path: Path) -> None:
    examples = read_idx(write(tmp_path, zipped=True))
    assert len(examples) == 6 and examples.given is None
    assert examples.labels == ("0", "1", "2")


BYTES = np.arange(72, dtype=np.uint8)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"images": idx(BYTES, shape=(7, 4, 3))}, "declares 7 x 4 x 3 bytes, but"),
        ({"images": idx(BYTES, shape=(5, 4, 3))}, "declares 5 x 4 x 3 bytes, but there are more bytes"),
        ({"images": idx(BYTES, shape=(2**32 - 1, 2**32 - 1, 3))}, "bytes are too few"),
        ({"images": idx(BYTES.reshape(6, 12))}, "must be an idx file of bytes with 3 axes, but starts with 00000802"),
        ({"images": idx(BYTES.reshape(6, 4, 3), kind=13)}, "must be an idx file of bytes"),
        ({"images": b"\0\0\x08"}, "must be an idx file of bytes"),
        ({"labels": idx(np.zeros(5, np.uint8))}, "has 6 images, but its file of labels has 5"),
        ({"labels": idx(np.zeros(6, np.uint8))}, "has a single class"),
        (
            {"images": idx(np.zeros(0, np.uint8), shape=(0, 4, 3)), "labels": idx(np.zeros(0, np.uint8))},
            "has no examples",
        ),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_files_that_lie(parts: dict[str, bytes], sentence: str, zipped: bool, tmp_path: Path) -> None:
    write(tmp_path, zipped=zipped, **parts)
    with pytest.raises(DataError) as error:
        read_idx(tmp_path)
    assert sentence in str(error.value)


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_a_damaged_gzip_file(damage: str, tmp_path: Path) -> None:
    path = write(tmp_path, zipped=True)
    content = bytearray(path.read_bytes())
    if damage == "cut":
        del content[-20:]
    else:
        content[-6] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="Cannot read"):
        read_idx(tmp_path)


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = idx(np.zeros(1 << 26, np.uint8), shape=(6, 4, 3))
    write(tmp_path, zipped=True, images=bomb)
    with pytest.raises(DataError, match="there are more bytes"):
        read_idx(tmp_path)


def test_labels_and_names_are_needed(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="needs its file of labels, but there is no train-labels-idx1-ubyte or .gz"):
        read_idx(path)
    with pytest.raises(DataError, match="must be named like train-images-idx3-ubyte"):
        read_idx(path.rename(tmp_path / "mine"))


def test_images_of_different_size_stay_apart(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, "t10k", images=idx(np.zeros((6, 5, 5), np.uint8)))
    with pytest.raises(DataError, match="images of one size"):
        read_idx(tmp_path)


@pytest.mark.skipif(not FASHION.is_dir(), reason="needs ../shared/data/fashion-mnist beside the project")
def test_fashion_mnist_loads_whole() -> None:
    examples = read_idx(FASHION)
    assert examples.inputs.shape == (70_000, 28, 28, 1)  # type: ignore[union-attr]
    assert np.bincount(examples.targets).tolist() == [7_000] * 10
    assert examples.given is not None and examples.given.sum() == 20_000
    assert abs(examples.inputs[examples.given == 0].mean() / 255 - 0.2860) < 1e-4  # type: ignore[index]
