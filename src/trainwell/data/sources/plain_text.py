"""A text file as one stream of tokens, plain, gzipped or alone in a zip archive: for language models [A15]."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainwell.core.errors import DataError
from trainwell.core.files import plain
from trainwell.core.targets import TOKENS
from trainwell.data.examples import TEST, TRAIN, VALIDATION, Examples
from trainwell.data.kinds import KINDS
from trainwell.data.sources.encoding import EncodingProblem, text_of
from trainwell.data.text.stream import StreamCode, Tokens, Windows, windows
from trainwell.data.values.naming import numbered, shorten
from trainwell.recipe.choice import Preset
from trainwell.recipe.sections import DataRecipe

SUFFIXES = (".txt", ".text")
_MOST_BYTES = 1 << 30  # maximum size of a text, which needs eight bytes of memory per token
_SMALL_BYTES = 200_000  # smaller texts get shorter windows, so that there are enough of them
_CHARACTERS_BYTES = 5_000_000  # smaller texts are read by character
_SAMPLED = 1 << 16  # number of bytes read to distinguish a table from a text
_SEPARATORS = ("\t", ",", ";", "|")
_BORDER = 1000  # maximum distance in characters to a line end at which a block ends


def is_text(path: Path, recipe: DataRecipe) -> bool:
    """Return whether a file is read as one text: by its name, unless columns are named or it looks like a table.

    Args:
        path: an existing file.
        recipe: `target`, `drop`, `group`, `delimiter` and `text` name columns.
    """
    name = path.name.lower()
    if recipe.target or recipe.drop or recipe.group or recipe.delimiter or recipe.text:
        return False
    if name.endswith(tuple(f"{suffix}.gz" for suffix in SUFFIXES)):
        return True
    if name.endswith(".zip"):
        return bool(_members(path))
    return name.endswith(SUFFIXES) and not _looks_like_table(path)


def text_defaults(path: Path, recipe: DataRecipe) -> Preset:
    """Return default settings of [data] for a text of its size, with a reason each.

    Args:
        path: the file.
        recipe: `tokenisation` is read: the user's choice is kept.
    """
    # The size of a packed text is known only when it is unpacked.
    is_packed = path.suffix.lower() in (".gz", ".zip")
    size = len(read_bytes(path)) if is_packed else path.stat().st_size
    chosen: Preset = {
        "data.lowercase": (False, "a language model should distinguish capital letters"),
        "data.validation": (0.1, "a tenth of the text, in order"),
        "data.test": (0.1, "the last tenth of the text"),
        "data.context": (64, "a short text") if size < _SMALL_BYTES else (128, "about two lines of text"),
    }
    by_character = size < _CHARACTERS_BYTES
    usual = ("characters", "a small text") if by_character else ("byte_pairs", "a large text: fewer, longer tokens")
    chosen["data.tokenisation"] = usual
    tokenisation = recipe.tokenisation or usual[0]
    if tokenisation != "characters":
        tokens = 4000 if tokenisation == "byte_pairs" else 8000
        chosen["data.vocabulary"] = (tokens, "the cost of the last layer is proportional to the vocabulary")
    return chosen


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a text file, of the text in a gzip file, or of the only text in a zip archive.

    Raises:
        DataError: if the file is damaged or too large, or an archive holds several texts.
    """
    name = plain(path.name)
    too_large = f"{name} must have at most {_MOST_BYTES >> 20:,} MiB of text. Give a part of it."
    try:
        if path.suffix.lower() == ".zip":
            members = _members(path)
            if len(members) != 1:
                raise DataError(
                    f"{name} must contain one text (.txt), got {len(members)}: {shorten(members, len(members))}. "
                    "Unpack it and give one of them."
                )
            with zipfile.ZipFile(path) as archive, archive.open(members[0]) as member:
                content = member.read(_MOST_BYTES + 1)
        elif path.suffix.lower() == ".gz":
            with gzip.open(path) as file:
                content = file.read(_MOST_BYTES + 1)
        else:
            with open(path, "rb") as file:
                content = file.read(_MOST_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, RuntimeError, NotImplementedError) as problem:
        raise DataError(f"{name} cannot be unpacked: {plain(str(problem))}. Download it again.") from None
    if len(content) > _MOST_BYTES:
        raise DataError(too_large)
    return content


def read_stream(path: Path, recipe: DataRecipe) -> Examples:
    """Read a text as windows of tokens, split into blocks in the order of the text.

    The vocabulary is learned from the training block only. The incomplete last window of a block is dropped.

    Args:
        path: the file.
        recipe: `context`, `tokenisation`, `vocabulary`, `rarest`, `lowercase`, `validation` and `test` are read.
    Raises:
        DataError: if the file is empty, not a text, or too short.
    """
    name = plain(path.name)
    text = decode(read_bytes(path), name)
    if not text.strip():
        raise DataError(f"{name} is empty. Give a text to learn from.")
    blocks = _blocks(text, recipe)
    tokenisation = recipe.tokenisation or "characters"
    code = StreamCode.fit(
        blocks[0].text, tokenisation, size=recipe.vocabulary, rarest=recipe.rarest, lowercase=recipe.lowercase
    )
    encoded = [code.encode(block.text) for block in blocks]
    cut = [windows(tokens, recipe.context) for tokens in encoded]
    counts = [len(inputs) for inputs, _ in cut]
    _check_length(name, encoded, counts=counts, recipe=recipe)
    units = {"characters": "characters", "byte_pairs": "byte pairs"}.get(tokenisation, "words")
    return Examples(
        name=name,
        kind=KINDS["stream"],
        inputs=Windows(np.concatenate([inputs for inputs, _ in cut]), code),
        targets=np.concatenate([targets for _, targets in cut]),
        target_type=TOKENS,
        ids=numbered("window", sum(counts)),
        labels=code.tokenizer.vocabulary,
        given=np.repeat(np.array([block.split for block in blocks], np.int8), counts),
        remarks=(
            f"A text of {len(text):,} characters, read as {units} in windows of {recipe.context:,}: language model.",
            f"Split in the order of the text: {_shares(blocks, len(text))}; no window crosses a border.",
        ),
    )


def decode(data: bytes, name: str) -> str:
    r"""Return UTF-8 or UTF-16 bytes as text with \n at the end of lines.

    Raises:
        DataError: for other bytes, with their offset.

    >>> decode(b"one\r\ntwo", "a.txt")
    'one\ntwo'
    """
    try:
        text = text_of(data)
    except EncodingProblem as problem:
        if not problem.byte:
            raise DataError(
                f"{name} must be text, got a NUL byte at offset {problem.offset:,}: it is binary data. "
                "Give a text file."
            ) from None
        raise DataError(
            f"{name} must be UTF-8 text, got the byte 0x{problem.byte:02x} at offset {problem.offset:,}. "
            "Convert it, e.g. with iconv -f latin1 -t utf-8."
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True)
class _Block:
    split: int
    text: str


def _blocks(text: str, recipe: DataRecipe) -> list[_Block]:
    """Split a text: training first, test last; a block ends at the nearest line end, if there is one nearby."""
    size = len(text)
    test = size - round(recipe.test * size)
    validation = test - round(recipe.validation * size)
    borders = [_line_end(text, max(0, validation)), _line_end(text, max(0, test))]
    parts = {TRAIN: text[: borders[0]], VALIDATION: text[borders[0] : borders[1]], TEST: text[borders[1] :]}
    wanted = {TRAIN: 1.0, VALIDATION: recipe.validation, TEST: recipe.test}
    return [_Block(split, part) for split, part in parts.items() if wanted[split]]


def _line_end(text: str, place: int) -> int:
    for separator in ("\n", " "):
        found = text.find(separator, place, place + _BORDER)
        if found >= 0:
            return found + 1
    return place


def _shares(blocks: list[_Block], size: int) -> str:
    names = {TRAIN: "to train", VALIDATION: "for validation", TEST: "to test"}
    shares = [f"{len(block.text) / size:.0%} {names[block.split]}" for block in blocks]
    return "first " + ", then ".join(shares)


def _check_length(name: str, encoded: list[Tokens], *, counts: list[int], recipe: DataRecipe) -> None:
    if counts[0] >= 2 and all(counts):
        return
    total = sum(map(len, encoded))
    raise DataError(
        f"{name} is too short: {total:,} tokens must fill at least 2 windows of {recipe.context:,} to train and one in "
        f"each other split, got {' and '.join(map(str, counts))}. Give a longer text, or lower data.context."
    )


def _members(path: Path) -> list[str]:
    """Return the names of the texts in a zip archive; empty if it is not an archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, OSError):
        return []
    return [name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith("__MACOSX/")]


def _looks_like_table(path: Path) -> bool:
    """Return whether the first lines all have as many separators, at least one each."""
    with open(path, "rb") as file:
        start = file.read(_SAMPLED).decode("utf-8", "replace")
    lines = [line for line in start.splitlines()[:20] if line.strip()]
    if len(lines) < 2:
        return False
    counts = [{line.count(separator) for line in lines} for separator in _SEPARATORS]
    return any(len(found) == 1 and 0 not in found for found in counts)
