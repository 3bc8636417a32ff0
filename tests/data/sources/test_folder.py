from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from trainwell.core.errors import DataError
from trainwell.data.examples import Examples
from trainwell.data.sources.folder import files_below, read_folder
from trainwell.data.sources.images import SUFFIXES
from trainwell.recipe.sections import DataRecipe

Image = pytest.importorskip("PIL.Image", reason="reading images needs the package pillow")

HYMENOPTERA = Path(__file__).parents[4] / "shared" / "data" / "hymenoptera"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRAINWELL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def save(path: Path, level: int = 0, size: tuple[int, int] = (4, 6), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size[::-1], level if mode == "L" else (level,) * 3).save(path)
    return path


def read(folder: Path, **settings: int) -> Examples:
    return read_folder(folder, DataRecipe(source=str(folder), **settings))  # type: ignore[arg-type]


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    folder = tmp_path / "pets"
    for i in range(4):
        save(folder / "cat" / f"{i}.png", i)
        save(folder / "dog" / f"{i}.bmp", 100 + i)
    return folder


def test_a_class_for_each_sub_folder(pets: Path) -> None:
    examples = read(pets)
    assert (examples.name, examples.kind.name, examples.target_type, examples.labels) == (
        "pets",
        "image",
        "classes",
        ("cat", "dog"),
    )
    assert examples.inputs.shape == (8, 4, 6, 3)  # type: ignore[union-attr]
    assert examples.inputs[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 100, 101, 102, 103]  # type: ignore[index]
    assert examples.targets.tolist() == [0] * 4 + [1] * 4
    assert examples.ids[4] == "dog/0.bmp"
    assert examples.given is None
    assert examples.remarks == ("2 sub-folders: binary classification (cat, dog).",)


@pytest.mark.parametrize("validation", ["val", "valid", "validation", "Val"])
def test_splits_that_came_with_the_data(validation: str, tmp_path: Path) -> None:
    for part, level in (("train", 0), (validation, 1), ("test", 2)):
        for name in ("ant", "bee", "cow"):
            save(tmp_path / "a" / part / name / "1.png", level)
    examples = read(tmp_path / "a")
    assert examples.given is not None
    assert examples.given.tolist() == examples.inputs[:, 0, 0, 0].tolist()  # type: ignore[index]
    assert examples.labels == ("ant", "bee", "cow") and examples.target_type == "classes"


@pytest.mark.parametrize(
    ("places", "labels", "splits"),
    [
        (("bus", "car", "train"), ("bus", "car", "train"), 1),
        (("bus", "car", "train/steam", "train/electric"), ("bus", "car", "train"), 1),
        (("train/a", "train/b", "test/a", "test/b", "more"), ("a", "b"), 2),
    ],
)
def test_train_may_be_a_class(places: tuple[str, ...], labels: tuple[str, ...], splits: int, tmp_path: Path) -> None:
    for place in places:
        save(tmp_path / "a" / place / "1.png")
    examples = read(tmp_path / "a")
    assert examples.labels == labels
    assert len(set([0] if examples.given is None else examples.given.tolist())) == splits


def test_grey_images_have_one_channel_unless_mixed(pets: Path, tmp_path: Path) -> None:
    for i in range(3):
        save(tmp_path / "grey" / f"class {i % 2}" / f"{i}.png", i, mode="L")
    assert read(tmp_path / "grey").inputs.shape == (3, 4, 6, 1)  # type: ignore[union-attr]
    save(pets / "cat" / "grey.png", 9, mode="L")
    examples = read(pets)
    assert examples.inputs.shape[-1] == 3  # type: ignore[union-attr]
    assert "1 of 9 images are greyscale: all are read in colour." in examples.remarks


def test_sizes(pets: Path) -> None:
    assert read(pets, image_size=5).inputs.shape == (8, 5, 5, 3)  # type: ignore[union-attr]
    save(pets / "cat" / "large.png", 9, size=(400, 300))
    examples = read(pets)
    assert examples.inputs.shape == (9, 4, 4, 3)  # type: ignore[union-attr]
    assert "resized to 4 x 4 (their median side is 4; data.image_size sets another)" in examples.remarks[1]
    for i in range(9):
        save(pets / "cat" / f"large{i}.png", 9, size=(400, 300))
    assert read(pets).inputs.shape == (18, 64, 64, 3)  # type: ignore[union-attr]


def test_the_cache_is_used_until_something_changes(pets: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(pets / "cat" / "wide.png", 9, size=(4, 60))
    first = read(pets)
    assert len(list(cache.glob("*.npy"))) == 1
    monkeypatch.setattr("trainwell.data.sources.folder.decode", None)
    again = read(pets)
    assert isinstance(again.inputs, np.memmap)
    assert (again.fingerprint(), again.remarks) == (first.fingerprint(), first.remarks)
    monkeypatch.undo()
    monkeypatch.setenv("TRAINWELL_CACHE", str(cache))
    os.utime(save(pets / "cat" / "0.png", 77), ns=(5, 5))
    assert read(pets).inputs[0, 0, 0, 0] == 77  # type: ignore[index]
    assert len(list(cache.glob("*.npy"))) == 2
    kept = (pets / "cat" / "1.png").stat().st_mtime_ns
    os.utime(save(pets / "cat" / "1.png", 78), ns=(kept, kept))
    assert read(pets).inputs[1, 0, 0, 0] == 78  # type: ignore[index]


def test_links_pipes_and_other_files_are_left_out(pets: Path, tmp_path: Path) -> None:
    outside = save(tmp_path / "outside" / "secret.png", 255)
    (pets / "cat" / "link.png").symlink_to(outside)
    (pets / "linked").symlink_to(tmp_path / "outside")
    (pets / "cat" / "loop").symlink_to(pets)
    os.mkfifo(pets / "cat" / "pipe.png")
    (pets / "cat" / "notes.txt").write_text("x")
    (pets / "cat" / ".hidden.png").write_text("x")
    save(pets / "dog" / "deeper" / "9.png", 9)
    examples = read(pets)
    assert len(examples) == 9 and examples.labels == ("cat", "dog")
    assert (
        "Skipped, because they are not images: cat/loop (a link), cat/link.png, cat/notes.txt, cat/pipe.png."
        in examples.remarks
    )
    assert "Skipped, because they are links to folders: linked." in examples.remarks
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "a").symlink_to(pets / "cat")
    with pytest.raises(DataError, match=r"but links are not followed \(a\)"):
        read(tmp_path / "all")


def test_hostile_names_are_made_safe(pets: Path) -> None:
    save(pets / os.fsdecode(b"b\xffad\x1b[31m") / "a\n\u202eb.png", 9)
    examples = read(pets)
    text = "".join((*examples.labels, *examples.ids, *examples.remarks))
    assert text.isprintable()
    assert "bad[31m" in examples.labels


def test_broken_images_are_one_sentence(pets: Path, cache: Path) -> None:
    (pets / "cat" / "1.png").write_bytes(b"<html>")
    with pytest.raises(
        DataError, match=r"1 of 8 images cannot be used: cat/1.png \(not an image of a supported format\)"
    ):
        read(pets)
    save(pets / "cat" / "1.png", 5, size=(50, 50))
    with pytest.raises(DataError, match="50 x 50 pixels are more than data.max_pixels = 100"):
        read(pets, max_pixels=100)
    assert not list(cache.glob("*.npy"))


def test_one_class_only(tmp_path: Path) -> None:
    save(tmp_path / "a" / "cat" / "1.png")
    with pytest.raises(DataError, match="a has a single class, 'cat'"):
        read(tmp_path / "a")


def test_an_unwritable_cache_changes_nothing(pets: Path, cache: Path) -> None:
    expected = read(pets).fingerprint()
    for path in cache.iterdir():
        path.unlink()
    cache.rmdir()
    cache.write_text("in the way")
    assert read(pets).fingerprint() == expected


@pytest.mark.skipif(not HYMENOPTERA.is_dir(), reason="needs ../shared/data/hymenoptera beside the project")
def test_hymenoptera() -> None:
    examples = read(HYMENOPTERA, image_size=32)
    assert examples.inputs.shape == (398, 32, 32, 3)  # type: ignore[union-attr]
    assert examples.labels == ("ants", "bees")
    assert examples.given is not None and np.bincount(examples.given).tolist() == [245, 153]
    assert "train/ants/imageNotFound.gif" in examples.ids
    assert len(files_below(HYMENOPTERA, SUFFIXES)[0]) == 398


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    for kind, word in (("bad", "dull"), ("good", "bright")):
        (tmp_path / "reviews" / kind).mkdir(parents=True)
        for i in range(6):
            (tmp_path / "reviews" / kind / f"{i}.txt").write_text(f"number {i} of these is {word} all the way\n")
    return tmp_path / "reviews"


def test_texts_are_read_where_there_are_no_images(reviews: Path) -> None:
    (reviews / "bad" / "6.txt").write_text(" \n")
    (reviews / "bad" / "notes.doc").write_text("")
    examples = read(reviews)
    assert (examples.kind.name, examples.target_type, examples.labels, examples.features) == (
        "table",
        "classes",
        ("bad", "good"),
        ("text",),
    )
    texts = examples.inputs.columns["text"]  # type: ignore[union-attr]
    assert texts[0] == "number 0 of these is dull all the way" and texts[6] is None
    assert examples.ids[6] == "bad/6.txt" and examples.targets.tolist() == [0] * 7 + [1] * 6
    assert any("because they are not texts: bad/notes.doc" in remark for remark in examples.remarks)


def test_bytes_that_are_no_text_are_named_with_their_line(reviews: Path) -> None:
    (reviews / "good" / "3.txt").write_bytes(b"well\ncaf\xe9\n")
    with pytest.raises(DataError, match=r"good/3.txt, line 2: must be UTF-8 text, got the byte 0xe9"):
        read(reviews)


def test_texts_that_lie_flat_have_no_class(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    with pytest.raises(DataError, match="it contains 1 texts, but not in sub-folders"):
        read(tmp_path)
