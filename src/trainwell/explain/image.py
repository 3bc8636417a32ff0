"""Arrays as PNG files, without an imaging library."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from trainwell.core.errors import ShapeError

Bytes = npt.NDArray[np.uint8]


def png(pixels: Bytes) -> bytes:
    """Encode an image as PNG (ISO/IEC 15948), lossless.

    Args:
        pixels: (height, width) grey or (height, width, 3) red, green, blue; uint8.
    Raises:
        ShapeError: if the array is neither.

    >>> png(np.zeros((2, 3), np.uint8))[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or pixels.ndim == 3 and pixels.shape[2] == 3):
        raise ShapeError(
            f"pixels must be uint8 of (height, width) or (height, width, 3), got {pixels.dtype} of {pixels.shape}."
        )
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)  # Each line begins with its filter: none.
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if pixels.ndim == 2 else 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def data_uri(pixels: Bytes, *, shortest_side: int = 0) -> str:
    """Return an image as a `data:` URI, which a page shows without another file.

    Args:
        pixels: as for `png`.
        shortest_side: smaller images are enlarged by repeating pixels an integer number of times.
    """
    times = max(1, -(-shortest_side // max(1, min(pixels.shape[:2]))))
    enlarged = pixels.repeat(times, axis=0).repeat(times, axis=1)
    return "data:image/png;base64," + base64.b64encode(png(enlarged)).decode("ascii")


def to_pixels(values: npt.NDArray[Any]) -> Bytes:
    """Scale numbers to 0 ... 255: the smallest becomes black, the largest white.

    Args:
        values: (height, width), (1, height, width) or (3, height, width), any numbers.
    Returns:
        (height, width) or (height, width, 3) uint8.

    >>> to_pixels(np.array([[0.0, 0.5], [1.0, 0.25]]))
    array([[  0, 128], [255,  64]], dtype=uint8)
    """
    if values.ndim == 3:
        values = values[0] if len(values) == 1 else np.moveaxis(values, 0, -1)
    numbers = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    low = numbers.min()
    high = numbers.max()
    stretched: Bytes = np.rint((numbers - low) * (255.0 / ((high - low) or 1.0))).astype(np.uint8)
    return stretched
