"""A folder of images or texts: one sub-folder for each class, optionally in train, val and test."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from trainwell.core.errors import DataError
from trainwell.core.files import plain
from trainwell.core.targets import CLASSES
from trainwell.data.examples import TEST, TRAIN, VALIDATION, Examples
from trainwell.data.kinds import KINDS
from trainwell.data.sources import cache
from trainwell.data.sources.images import SUFFIXES, decode, read_headers
from trainwell.data.sources.table import decode_text
from trainwell.data.text.texts import Texts
from trainwell.data.values.missing import Array
from trainwell.data.values.naming import shorten
from trainwell.data.values.table import Table
from trainwell.recipe.sections import DataRecipe

_SPLITS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("val", "valid", "validation"), VALIDATION),
    **dict.fromkeys(("test", "testing"), TEST),
}
# Maximum side to which images of different sizes are resized, unless data.image_size is set: a small network trains on
# them in minutes on a CPU; at 224 a step costs twelve times as much.
_LARGEST_MEDIAN = 64
TEXT = "text"
TEXT_SUFFIXES = (".txt", ".text")
_RULES = 2  # increase when the rules of conversion change: cached images are then decoded again


@dataclass
class Scan:
    """The files of a folder of images or texts."""

    files: list[Path] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    splits: list[int] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)


def read_folder(folder: Path, recipe: DataRecipe) -> Examples:
    """Read images, or texts, whose class is the name of their sub-folder; the layout train/, val/, test/ is kept.

    Links, devices and pipes are never opened; other files are skipped and named in the remarks. If there are both
    images and texts, images are read.

    Args:
        folder: has a sub-folder for each class, or train/ and others that do.
        recipe: `image_size`, `interpolation`, `centre_crop` and `max_pixels` are read.
    Raises:
        DataError: if there are no images or texts in sub-folders, or some are broken or too large.
        MissingExtraError: if Pillow is not installed.
    """
    name = plain(folder.resolve().name)
    found = _scan(folder, SUFFIXES)
    kind = "image"
    if not found.files:
        found = _scan(folder, TEXT_SUFFIXES)
        kind = "table"
    if not found.files or (found.linked and len(set(found.classes)) < 2):
        raise DataError(_nothing(folder, name, linked=found.linked))
    inputs: Array | Table | Texts
    remarks: tuple[str, ...] = ()
    of_images = kind == "image"
    if of_images:
        inputs, remarks = _images(folder, found.files, recipe=recipe)
    elif recipe.tokenisation:
        kind = "text"
        inputs = Texts.of(read_texts(found.files, folder).columns[TEXT].tolist())
    else:
        inputs = read_texts(found.files, folder)
        remarks = ("Texts are read as bags of words; data.tokenisation = 'words' reads them as sequences.",)
    names, targets = np.unique(np.array(found.classes, dtype=object).astype(str), return_inverse=True)
    labels = tuple(plain(str(label)) for label in names)
    task = "binary classification" if len(labels) == 2 else "classification"
    said = [f"{len(labels):,} sub-folders: {task} ({shorten(labels, len(labels), most=10)}).", *remarks]
    if found.left_out:
        what = "images" if of_images else "texts"
        said.append(f"Skipped, because they are not {what}: {shorten(found.left_out, len(found.left_out))}.")
    if found.linked:
        said.append(f"Skipped, because they are links to folders: {shorten(found.linked, len(found.linked))}.")
    return Examples(
        name=name,
        kind=KINDS[kind],
        inputs=inputs,
        targets=targets.astype(np.int64),
        target_type=CLASSES,
        ids=tuple(plain(path.relative_to(folder).as_posix()) for path in found.files),
        labels=labels,
        features=(TEXT,) if kind == "table" else (),
        given=np.array(found.splits, dtype=np.int8) if len(set(found.splits)) > 1 else None,
        remarks=tuple(said),
    )


def read_texts(files: Sequence[Path], root: Path) -> Table:
    """Return the texts of files as a table of one column; an empty one is missing.

    Raises:
        DataError: if one is not UTF-8 text, naming it and its line.
    """
    texts = [decode_text(path.read_bytes(), plain(path.relative_to(root).as_posix())).strip() for path in files]
    return Table({TEXT: np.array([text or None for text in texts], dtype=object)})


def files_below(folder: Path, suffixes: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Return the files below a folder with such names, sorted, and the names of all others; links are not followed."""
    files = []
    left_out = []
    for place, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        links = [Path(place, name) for name in folders if not name.startswith(".") and Path(place, name).is_symlink()]
        left_out += [f"{path.relative_to(folder.parent).as_posix()} (a link)" for path in links]
        for file in sorted(names):
            path = Path(place, file)
            if file.startswith("."):
                continue
            regular = stat.S_ISREG(path.lstat().st_mode)
            if regular and path.suffix.lower() in suffixes:
                files.append(path)
            else:
                left_out.append(path.relative_to(folder.parent).as_posix())
    return files, left_out


def _scan(folder: Path, suffixes: Sequence[str]) -> Scan:
    found = Scan()
    below = list(_folders(folder))
    splits = {path: _SPLITS[path.name.lower()] for path in below if path.name.lower() in _SPLITS}
    if TRAIN not in splits.values() or _are_classes(below, splits, suffixes=suffixes):
        splits = {folder: TRAIN}
    for parent, part in splits.items():
        found.linked += [path.relative_to(folder).as_posix() for path in _folders(parent, links=True)]
        for place in _folders(parent):
            files, left_out = files_below(place, suffixes)
            found.files += files
            found.classes += [place.name] * len(files)
            found.splits += [part] * len(files)
            found.left_out += left_out
    return found


def _are_classes(below: Sequence[Path], splits: Mapping[Path, int], *, suffixes: Sequence[str]) -> bool:
    """Return whether train is a class, like bus and car: it has no sub-folders, or is the only split that has some.

    If the other folders contain none of the files, it is a split.
    """
    nested = {part for path, part in splits.items() if any(_folders(path))}
    beside = any(files_below(path, suffixes)[0] for path in below if path not in splits)
    return beside and not (TRAIN in nested and len(nested) > 1)


def _folders(folder: Path, *, links: bool = False) -> Iterator[Path]:
    """Return the sub-folders, sorted, or instead the links to folders."""
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if e.is_dir() and e.is_symlink() == links and not e.name.startswith(".")]
    return (folder / name for name in sorted(names))


def _nothing(folder: Path, name: str, *, linked: Sequence[str]) -> str:
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    flat = sum(path.suffix.lower() in SUFFIXES for path in files)
    texts = sum(path.suffix.lower() in TEXT_SUFFIXES for path in files)
    tables = [path.name for path in files if path.suffix.lower() in (".csv", ".tsv", ".parquet", ".npz")]
    hint = (
        f"links are not followed ({shorten(linked, len(linked))})"
        if linked
        else f"it contains {flat:,} images, but not in sub-folders"
        if flat
        else f"it contains {texts:,} texts, but not in sub-folders"
        if texts
        else f"it contains the table {shorten(tables, len(tables))}: give its path"
        if tables
        else "there is none"
    )
    return (
        f"The folder {name} must contain images or texts (.txt) in one sub-folder for each class, but {hint}. "
        "Give such a folder."
    )


def _images(folder: Path, files: Sequence[Path], *, recipe: DataRecipe) -> tuple[Array, tuple[str, ...]]:
    key = _key(folder, files, recipe=recipe)
    if (stored := cache.load(key)) and len(stored[0]) == len(files):
        return stored
    headers = read_headers(files, max_pixels=recipe.max_pixels)
    grey = sum(header.grey for header in headers)
    remarks = []
    if 0 < grey < len(files):
        remarks.append(f"{grey:,} of {len(files):,} images are greyscale: all are read in colour.")
    height = headers[0].height
    width = headers[0].width
    if recipe.image_size:
        height = width = recipe.image_size
    elif any((header.height, header.width) != (height, width) for header in headers):
        median = int(np.median([min(header.height, header.width) for header in headers]))
        height = width = min(median, _LARGEST_MEDIAN)
        remarks.append(
            f"Images differ in size: resized to {width} x {width} "
            f"(their median side is {median}; data.image_size sets another)."
        )
    shape = (height, width, 1 if grey == len(files) else 3)
    blocks = partial(decode, files, shape, interpolation=recipe.interpolation, crop=recipe.centre_crop)
    images = cache.store(key, blocks, shape=(len(files), *shape), remarks=remarks)
    return images, tuple(remarks)


def _key(folder: Path, files: Sequence[Path], *, recipe: DataRecipe) -> str:
    how = (_RULES, recipe.image_size, recipe.interpolation, recipe.centre_crop, recipe.max_pixels)
    digest = hashlib.sha256(repr(how).encode() + os.fsencode(folder.resolve()))
    for path in files:
        status = path.stat()
        # Changes with any change of content, even if size and modification time are kept, as by cp -p and tar.
        kept = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        digest.update(os.fsencode(path.relative_to(folder)) + f"\0{kept}\0".encode())
    return digest.hexdigest()[:32]
