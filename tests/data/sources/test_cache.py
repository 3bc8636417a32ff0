from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from trainwell.core.errors import DataError
from trainwell.data.sources import cache

BLOCKS = [np.full((2, 3, 3, 1), level, dtype=np.uint8) for level in (1, 2, 3)]
SHAPE = (6, 3, 3, 1)


def blocks() -> Iterator[np.ndarray]:
    yield from BLOCKS


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRAINWELL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_is_stored_is_mapped_and_found_again(folder: Path) -> None:
    assert cache.load("key") is None
    stored = cache.store("key", blocks, shape=SHAPE, remarks=("said",))
    assert isinstance(stored, np.memmap)
    np.testing.assert_array_equal(stored, np.concatenate(BLOCKS))
    found = cache.load("key")
    assert found is not None and found[1] == ("said",)
    np.testing.assert_array_equal(found[0], stored)
    assert sorted(path.name for path in folder.iterdir()) == ["key.json", "key.npy"]


@pytest.mark.parametrize("damaged", ["key.npy", "key.json"])
@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"{", None])
def test_damage_is_a_miss(damaged: str, content: bytes | None, folder: Path) -> None:
    cache.store("key", blocks, shape=SHAPE, remarks=())
    if content is None:
        (folder / damaged).unlink()
    else:
        (folder / damaged).write_bytes(content)
    assert cache.load("key") is None


def test_a_file_cut_short_is_a_miss(folder: Path) -> None:
    cache.store("key", blocks, shape=SHAPE, remarks=())
    path = folder / "key.npy"
    path.write_bytes(path.read_bytes()[:-1])
    assert cache.load("key") is None


def test_a_folder_that_cannot_be_made_is_done_without(folder: Path) -> None:
    folder.write_text("a file stands where the folder should")
    stored = cache.store("key", blocks, shape=SHAPE, remarks=())
    assert not isinstance(stored, np.memmap)
    np.testing.assert_array_equal(stored, np.concatenate(BLOCKS))


def test_a_full_disk_is_done_without(folder: Path) -> None:
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, before[1]))
    try:
        stored = cache.store("key", blocks, shape=SHAPE, remarks=())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    np.testing.assert_array_equal(stored, np.concatenate(BLOCKS))
    assert not list(folder.glob("*.npy")) and not list(folder.glob(".tmp-*"))


def test_a_failure_while_making_leaves_nothing_half(folder: Path) -> None:
    def fail() -> Iterator[np.ndarray]:
        yield BLOCKS[0]
        raise DataError("broken image")

    with pytest.raises(DataError, match="broken image"):
        cache.store("key", fail, shape=SHAPE, remarks=())
    assert cache.load("key") is None
    assert [path.name for path in folder.iterdir()] == ["key.json"]


def test_without_a_variable_it_lies_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRAINWELL_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    cache.store("key", blocks, shape=SHAPE, remarks=())
    assert (tmp_path / ".cache" / "trainwell" / "key.npy").is_file()
