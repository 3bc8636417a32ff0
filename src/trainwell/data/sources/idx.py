"""The idx format of MNIST and its successors (http://yann.lecun.com/exdb/mnist), plain or gzipped."""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from trainwell.core.errors import DataError, ShapeError
from trainwell.core.files import plain
from trainwell.data.examples import TEST, TRAIN, Examples
from trainwell.data.kinds import KINDS
from trainwell.data.targets import infer
from trainwell.data.values.naming import numbered

_IMAGES = re.compile(r"(?P<split>.*?)[-_.]?images[-_.]idx3[-_.]ubyte(\.gz)?")
# DEFLATE cannot compress by more than 1,032:1, so a header that declares more is damaged.
_MOST_COMPRESSED = 1032


def is_idx_folder(folder: Path) -> bool:
    """Return whether a folder contains idx files of images."""
    return any(_IMAGES.fullmatch(path.name) for path in folder.iterdir())


def read_idx(path: Path) -> Examples:
    """Read images and their classes: a folder (train-*, t10k-* or test-*), or one file of images with its labels.

    Raises:
        DataError: if a file is missing, damaged or of another type.
        ShapeError: if there are more or fewer images than labels.
    """
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    found = [(file, match["split"]) for file in files if (match := _IMAGES.fullmatch(file.name))]
    if not found:
        raise DataError(
            f"{plain(path.name)} must be named like train-images-idx3-ubyte or .gz, in the folder of its labels."
        )
    test = [split.lower() in ("t10k", "test") for _, split in found]
    images = [_read(file, axes=3) for file, _ in found]
    labels = [_read(_labels_of(file), axes=1) for file, _ in found]
    for (file, _), some, classes in zip(found, images, labels, strict=True):
        if len(some) != len(classes):
            raise ShapeError(
                f"{plain(file.name)} has {len(some):,} images, but its file of labels has {len(classes):,} labels."
            )
    if len({some.shape[1:] for some in images}) > 1:
        raise ShapeError(
            f"The files of {plain(path.name)} must contain images of one size. Put them into separate folders."
        )
    ids = [name for (_, split), some in zip(found, images, strict=True) for name in numbered(split, len(some))]
    targets = infer(np.concatenate(labels), name="The label", ids=ids)
    given = np.repeat([TEST if sealed else TRAIN for sealed in test], [len(some) for some in images]).astype(np.int8)
    return Examples(
        name=plain(path.name),
        kind=KINDS["image"],
        inputs=_join(images)[..., np.newaxis],
        targets=targets.values,
        target_type=targets.target_type,
        ids=ids,
        labels=targets.labels,
        given=given if any(test) and not all(test) else None,
        remarks=targets.remarks,
    )


def read_idx_images(path: Path) -> NDArray[np.uint8]:
    """Read one idx file of images, (N, height, width, 1), for prediction."""
    return _read(path, axes=3)[..., np.newaxis]


def _join(images: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return images[0] if len(images) == 1 else np.concatenate(images)


def _labels_of(file: Path) -> Path:
    stem = file.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    for name in (stem, f"{stem}.gz"):
        if (path := file.with_name(name)).is_file():
            return path
    raise DataError(
        f"{plain(file.name)} needs its file of labels, but there is no {plain(stem)} or .gz. Add that file."
    )


def _read(path: Path, *, axes: int) -> NDArray[np.uint8]:
    """Read one file, at most the bytes that its header declares and its size allows."""
    name = plain(path.name)
    try:
        with open(path, "rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        with cast(IO[bytes], gzip.open(path) if zipped else open(path, "rb")) as file:
            header = file.read(4 + 4 * axes)
            if len(header) < 4 + 4 * axes or header[:4] != bytes((0, 0, 8, axes)):
                raise DataError(
                    f"{name} must be an idx file of bytes with {axes} axes, but starts with {header[:4].hex()}. "
                    "Download it again."
                )
            shape = struct.unpack(f">{axes}I", header[4:])
            promised = math.prod(shape)
            if promised > path.stat().st_size * (_MOST_COMPRESSED if zipped else 1):
                raise DataError(_wrong_header(name, shape, but=f"its {path.stat().st_size:,} bytes are too few"))
            content = b"".join(_pieces(file, promised))
            more = file.read(1)
    except (OSError, EOFError, zlib.error) as problem:
        raise DataError(f"Cannot read {name}: {plain(str(problem))}. Download it again.") from None
    if len(content) != promised or more:
        raise DataError(
            _wrong_header(name, shape, but="there are more bytes" if more else f"only {len(content):,} bytes follow")
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _pieces(file: IO[bytes], size: int) -> Iterable[bytes]:
    while size > 0 and (piece := file.read(min(size, 1 << 24))):
        size -= len(piece)
        yield piece


def _wrong_header(name: str, shape: tuple[int, ...], *, but: str) -> str:
    return f"The header of {name} declares {' x '.join(f'{n:,}' for n in shape)} bytes, but {but}. Download it again."
