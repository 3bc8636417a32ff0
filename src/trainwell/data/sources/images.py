"""Image files as arrays: checked before they are decoded, converted by fixed rules, decoded in threads.

The rules: JPEG, PNG, WebP, BMP, TIFF and GIF only; the first frame; rotated as EXIF says; transparent pixels on
white; 16 bits to 8 by dropping the lower byte; everything else to RGB, or to one channel if every image is grey.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from trainwell.core.errors import DataError, MissingExtraError
from trainwell.data.values.naming import shorten

Images = NDArray[np.uint8]
Result = TypeVar("Result")

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
# Pillow opens 43 formats, some by starting other programs (EPS runs Ghostscript): these six are safe and enough.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_GREY = ("1", "L", "LA", "La", *_SIXTEEN_BITS)
_ORIENTATION = 0x0112  # EXIF tag
_TURNED = (5, 6, 7, 8)  # orientations that swap width and height
_AT_ONCE = 256  # images decoded per block: bounds memory


@dataclass(frozen=True)
class Header:
    """Size and colour of an image, known before it is decoded."""

    height: int
    width: int
    grey: bool


@dataclass(frozen=True)
class _Broken:
    """An image that cannot be used, and why."""

    reason: str


def read_headers(files: Sequence[Path], *, max_pixels: int) -> list[Header]:
    """Read the sizes of images without decoding them.

    Raises:
        DataError: naming up to five files that are not images or larger than `max_pixels`.
        MissingExtraError: if Pillow is not installed.
    """

    def read(path: Path) -> Header | _Broken:
        with _open(path) as image:
            width, height = image.size
            if width * height > max_pixels:
                return _Broken(f"{width:,} x {height:,} pixels are more than data.max_pixels = {max_pixels:,}")
            if image.getexif().get(_ORIENTATION) in _TURNED:
                width, height = height, width
            return Header(height, width, image.mode in _GREY)

    headers = _in_threads(read, files)
    _refuse(files, headers)
    return [header for header in headers if isinstance(header, Header)]


def decode(
    files: Sequence[Path], shape: tuple[int, int, int], *, interpolation: str = "bilinear", crop: float = 1.0
) -> Iterator[Images]:
    """Yield images in blocks of (n, height, width, channels), in order.

    An image of another size is resized until it fills the shape, and the rest is cropped evenly.

    Args:
        files: the files to read.
        shape: (height, width, channels) of every image.
        interpolation: interpolation method of resizing.
        crop: fraction of the sides that the centre crop keeps.
    Raises:
        DataError: after all files were tried, naming up to five that are broken.
    """

    def read(path: Path) -> Images:
        with _open(path) as image:
            if image.format == "PNG":
                image.verify()  # decoding alone does not detect every truncated PNG
        with _open(path) as image:
            return _convert(image, shape, interpolation=interpolation, crop=crop)

    tried: list[_Broken | None] = []
    for start in range(0, len(files), _AT_ONCE):
        block = _in_threads(read, files[start : start + _AT_ONCE])
        whole = [image for image in block if not isinstance(image, _Broken)]
        if len(whole) == len(block):
            yield np.stack(whole)
        tried += [image if isinstance(image, _Broken) else None for image in block]
    _refuse(files, tried)


def read_image(path: Path, *, channels: int, max_pixels: int) -> Images:
    """Read one image at its own size, (height, width, channels).

    Raises:
        DataError: if it is not an image or larger than `max_pixels`.
    """
    (header,) = read_headers([path], max_pixels=max_pixels)
    blocks: list[Images] = list(decode([path], (header.height, header.width, channels)))
    image: Images = blocks[0][0]
    return image


def _refuse(files: Sequence[Path], tried: Sequence[object]) -> None:
    broken = [(path, found) for path, found in zip(files, tried, strict=True) if isinstance(found, _Broken)]
    if broken:
        names = shorten((f"{path.parent.name}/{path.name} ({found.reason})" for path, found in broken), len(broken))
        raise DataError(f"{len(broken):,} of {len(files):,} images cannot be used: {names}. Replace or delete them.")


def _in_threads(read: Callable[[Path], Result | _Broken], files: Sequence[Path]) -> list[Result | _Broken]:
    image = _pillow()

    def tried(path: Path) -> Result | _Broken:
        try:
            return read(path)
        except image.UnidentifiedImageError:
            return _Broken("not an image of a supported format")
        except Exception as problem:  # for damaged files a decoder may raise any exception
            return _Broken(str(problem).strip(".") or type(problem).__name__)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(tried, files))


def _pillow() -> Any:
    try:
        import PIL.Image
        import PIL.ImageOps
    except ImportError:
        raise MissingExtraError("Reading images", "pillow", extra="vision") from None
    return PIL


def _open(path: Path) -> Any:
    if not path.is_file():
        raise OSError("not a regular file")
    return _pillow().Image.open(path, formats=_FORMATS)


def _convert(image: Any, shape: tuple[int, int, int], *, interpolation: str, crop: float) -> Images:
    height, width, channels = shape
    pillow = _pillow()
    if image.size not in ((width, height), (height, width)):
        # A JPEG is decoded at the smallest scale that is large enough.
        image.draft(None, (math.ceil(max(shape[:2]) / crop),) * 2)
    image = pillow.ImageOps.exif_transpose(image)
    if image.mode in _SIXTEEN_BITS:
        levels = np.clip(np.asarray(image).astype(np.int64), 0, 65535) >> 8
        image = pillow.Image.fromarray(levels.astype(np.uint8))
    elif image.mode == "F":
        raise ValueError("its pixels are floats without a defined range")
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        image = image.convert("RGBA")
        white = pillow.Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = pillow.Image.alpha_composite(white, image)
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height) or crop < 1:
        how = pillow.Image.Resampling[interpolation.upper()]
        image = pillow.ImageOps.fit(image, (width, height), method=how, bleed=(1 - crop) / 2)
    return np.array(image, dtype=np.uint8).reshape(shape)
