"""An on-disk cache of decoded images: they are decoded once and memory-mapped afterwards.

The folder is $TRAINWELL_CACHE, by default ~/.cache/trainwell; it can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainwell.core.files import TEMPORARY, atomic_write

Images = NDArray[np.uint8]


def load(key: str) -> tuple[Images, tuple[str, ...]] | None:
    """Return the memory-mapped images of a key and the remarks about them; None if they are missing or incomplete."""
    images, remarks = _paths(key)
    try:
        return np.load(images, mmap_mode="r", allow_pickle=False), tuple(json.loads(remarks.read_bytes()))
    except (OSError, EOFError, ValueError, TypeError):
        return None


def store(
    key: str, blocks: Callable[[], Iterator[Images]], *, shape: tuple[int, ...], remarks: Sequence[str]
) -> Images:
    """Store images and return them memory-mapped; if writing fails, return them in memory.

    Args:
        key: identifies the files and how they are converted.
        blocks: yields them in blocks along the first axis; called again if writing fails.
        shape: of all images together.
        remarks: stored beside them.
    """
    images, beside = _paths(key)
    temporary = images.with_name(f"{TEMPORARY}{secrets.token_hex(4)}.npy")
    try:
        images.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic_write(beside, json.dumps(remarks))
        with open(temporary, "xb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for block in blocks():
                file.write(block.data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, images)
    except OSError:
        return np.concatenate(list(blocks()))
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    found = load(key)
    return found[0] if found else np.concatenate(list(blocks()))


def _paths(key: str) -> tuple[Path, Path]:
    chosen = os.environ.get("TRAINWELL_CACHE")
    folder = Path(chosen) if chosen else Path(os.path.expanduser("~")) / ".cache" / "trainwell"
    return folder / f"{key}.npy", folder / f"{key}.json"
