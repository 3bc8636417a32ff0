"""A text file as one stream of tokens [A15]."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest

from trainwell.core.errors import DataError
from trainwell.core.targets import TOKENS
from trainwell.data.examples import TEST, TRAIN, VALIDATION
from trainwell.data.sources import read, usual_settings
from trainwell.data.sources.plain_text import decode, is_text, read_bytes
from trainwell.recipe.sections import DataRecipe

pytest.importorskip("tokenizers", reason="sequences of tokens need the package tokenizers")
TEXT = "".join(f"line {number} of a story about {'cats' if number % 3 else 'dogs'}.\n" for number in range(400))


def recipe(path: Path, **settings: object) -> DataRecipe:
    given = {"context": 16, "tokenisation": "characters", "lowercase": False, "validation": 0.1, "test": 0.2}
    return DataRecipe(source=str(path), **{**given, **settings})


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text(TEXT)
    return path


def test_the_splits_are_blocks_in_the_order_of_the_text(book: Path) -> None:
    examples = read(recipe(book))
    assert examples.kind.name == "stream" and examples.target_type == TOKENS
    assert (np.diff(examples.given) >= 0).all() and TRAIN < VALIDATION < TEST
    shares = np.bincount(examples.given) / len(examples)
    assert np.allclose(shares, [0.7, 0.1, 0.2], atol=0.02)
    written = "".join(examples.inputs.code.decode(row) for row in examples.inputs.tokens)
    places = [TEXT.find(examples.inputs.code.decode(row)) for row in examples.inputs.tokens[[0, -1]]]
    assert places[0] == 0 and places[1] > 0.97 * len(TEXT) and len(written) > len(TEXT) - 3 * 16 - 3
    assert (
        "Split in the order of the text: first 70% to train, then 10% for validation, then 20% to test"
        in (examples.remarks[1])
    )


def test_targets_follow_inputs_and_never_cross_a_border(book: Path) -> None:
    examples = read(recipe(book))
    tokens, targets = examples.inputs.tokens, examples.targets
    assert np.array_equal(tokens[:, 1:], targets[:, :-1])
    for split in (TRAIN, VALIDATION, TEST):
        block = examples.given == split
        assert np.array_equal(tokens[block][1:, 0], targets[block][:-1, -1]), "windows of a block are adjacent"
    first = np.flatnonzero(examples.given == VALIDATION)[0]
    begun = examples.inputs.code.decode(tokens[first])
    assert begun.startswith("line "), "a border lies at a line end"


def test_the_vocabulary_comes_from_the_training_block(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("abcd\n" * 100 + "wxyz\n" * 40)
    examples = read(recipe(path))
    assert "a" in examples.labels and "w" not in examples.labels
    assert (examples.inputs.tokens[examples.given == TEST] == 1).mean() > 0.7, "the rest is <unk>"


@pytest.mark.parametrize("tokenisation", ["characters", "words", "spaces", "byte_pairs"])
def test_every_tokenisation_is_read(tokenisation: str, book: Path) -> None:
    examples = read(recipe(book, tokenisation=tokenisation, vocabulary=300))
    assert examples.inputs.code.decode(examples.inputs.tokens[0]).startswith("line ")


def test_archives_hold_the_same_text(book: Path, tmp_path: Path) -> None:
    zipped = tmp_path / "book.txt.gz"
    zipped.write_bytes(gzip.compress(TEXT.encode()))
    with zipfile.ZipFile(tmp_path / "book.zip", "w") as archive:
        archive.writestr("deep/book.txt", TEXT)
        archive.writestr("__MACOSX/book.txt", "x")
    plain = read(recipe(book))
    for path in (zipped, tmp_path / "book.zip"):
        assert np.array_equal(read(recipe(path)).inputs.tokens, plain.inputs.tokens)


def test_settings_that_suit_a_text_are_chosen(book: Path) -> None:
    chosen = usual_settings(DataRecipe(source=str(book)))
    assert chosen["data.lowercase"][0] is False and chosen["data.tokenisation"][0] == "characters"
    assert chosen["data.context"][0] == 64
    assert usual_settings(DataRecipe(source=str(book), tokenisation="words"))["data.vocabulary"][0] == 8000
    assert usual_settings(DataRecipe(source="digits")) == {}


def test_a_table_stays_a_table(tmp_path: Path) -> None:
    table = tmp_path / "table.txt"
    table.write_text("a,y\n1,x\n2,z\n")
    assert not is_text(table, DataRecipe())
    book = tmp_path / "book.txt"
    book.write_text("one, two\nthree\n")
    assert is_text(book, DataRecipe()) and not is_text(book, DataRecipe(target="y"))
    (tmp_path / "book.md").write_text(TEXT)
    assert read(recipe(tmp_path / "book.md"), target_type=TOKENS).kind.name == "stream", "where the task asks for it"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"aaaa", "is too short: 4 tokens must fill at least 2 windows of 16"),
        (b"some text\0" * 99, "got a NUL byte at offset 9: it is binary data"),
        (b"\xef\xbb\xbfcaf\xe9 " * 99, r"must be UTF-8 text, got the byte 0xe9 at offset 6\. Convert it"),
    ],
)
def test_files_that_cannot_be_used_are_refused_in_one_sentence(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said):
        read(recipe(path))


def test_damaged_and_ambiguous_archives_are_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "book.txt.gz"
    damaged.write_bytes(gzip.compress(TEXT.encode())[:40])
    with pytest.raises(DataError, match=r"book.txt.gz cannot be unpacked: .* Download it again"):
        read_bytes(damaged)
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.txt", TEXT)
        archive.writestr("b.txt", TEXT)
    with pytest.raises(DataError, match=r"two.zip must contain one text \(.txt\), got 2: a.txt, b.txt"):
        read(recipe(tmp_path / "two.zip"))
    (tmp_path / "none.zip").write_bytes(b"PK nothing")
    with pytest.raises(DataError, match="cannot be read safely as data"):
        read(recipe(tmp_path / "none.zip"))


def test_utf_16_and_other_line_ends_are_read() -> None:
    assert decode("zwölf\r\neins\r".encode("utf-16"), "a.txt") == "zwölf\neins\n"
