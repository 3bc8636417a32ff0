"""A batch as a PNG: images with their labels, texts, or rows of numbers as a map of colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainwell.core.errors import MissingExtraError
from trainwell.core.files import atomic_write, storage_errors
from trainwell.data import View
from trainwell.report.text.words import printable

Pixels = NDArray[np.uint8]

_MOST = 64  # images that are shown
_ROWS = 32  # examples that are shown as numbers
_COLUMNS = 60  # numbers that are shown of each
_SIDE = 96  # pixels of an image
_TEXT = 13  # pixels of a letter
_TEXT_WIDTH = 480  # pixels of a line of text
_GAP = 8  # pixels between two images
_INK = (28, 29, 32)
_PAPER = (253, 253, 252)
_SOFT = (93, 96, 104)


def write_batch(
    path: Path, views: Sequence[View], *, labels: Sequence[str], names: Sequence[str] = (), title: str
) -> Path:
    """Write a batch as a PNG: images, texts, or rows of numbers as a map of colours from -3 (blue) to 3 (red).

    Args:
        path: where to write.
        views: the examples, as their kind shows prepared ones. Images have the colours they had before their
            channels were prepared; what augmentation brought in from outside has the mean colour then. Images
            without such colours (after a rotation) are stretched from black to white.
        labels: what is written to each example.
        names: names of the numbers; empty if they have none.
        title: what is written above.
    Raises:
        MissingExtraError: without Pillow.
        StorageError: if the disk refuses.
    """
    try:
        import PIL.Image
        import PIL.ImageDraw
        import PIL.ImageFont
    except ImportError:
        raise MissingExtraError("Drawing a batch", "pillow", extra="vision") from None
    images = [view.pixels for view in views[:_MOST] if view.pixels is not None]
    if images:
        drawn = _images(PIL, images, labels=labels, title=title)
    elif any(isinstance(value, str) for view in views for value in view.values.values()):
        drawn = _texts(PIL, views[:_ROWS], labels=labels, title=title)
    else:
        drawn = _numbers(PIL, views[:_ROWS], labels=labels, names=names[:_COLUMNS], title=title)
    stream = BytesIO()
    drawn.save(stream, "PNG")
    with storage_errors(f"Writing {path}", path.absolute().parent):
        atomic_write(path, stream.getvalue())
    return path


def _images(pil: Any, images: Sequence[Pixels], *, labels: Sequence[str], title: str) -> Any:
    count = len(images)
    height, width = images[0].shape[:2]
    times = max(1, _SIDE // max(height, width))
    across = math.ceil(math.sqrt(count))
    cell = (max(width * times, 64) + _GAP, height * times + _TEXT + 6 + _GAP)
    canvas, draw, font = _canvas(pil, across * cell[0] + _GAP, height=-(-count // across) * cell[1] + _GAP, title=title)
    for number, image in enumerate(images):
        left = _GAP + number % across * cell[0]
        top = _head() + number // across * cell[1]
        drawn = pil.Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
        canvas.paste(drawn.resize((width * times, height * times), pil.Image.Resampling.NEAREST), (left, top))
        draw.text(
            (left, top + height * times + 2), _fit(labels[number], draw, font=font, width=cell[0]), fill=_INK, font=font
        )
    return canvas


def _texts(pil: Any, views: Sequence[View], *, labels: Sequence[str], title: str) -> Any:
    """Draw each text in one line, and under it what the network must predict."""
    line = _TEXT + 5
    width = 2 * _GAP + _TEXT_WIDTH
    canvas, draw, font = _canvas(pil, width, height=len(views) * (2 * line + _GAP), title=title)
    for number, view in enumerate(views):
        top = _head() + number * (2 * line + _GAP)
        text = " ".join(str(value) for value in view.values.values())
        draw.text((_GAP, top), _fit(text, draw, font=font, width=_TEXT_WIDTH), fill=_INK, font=font)
        target = _fit(f"target: {labels[number]}", draw, font=font, width=_TEXT_WIDTH)
        draw.text((_GAP, top + line), target, fill=_SOFT, font=font)
    return canvas


def _numbers(pil: Any, views: Sequence[View], *, labels: Sequence[str], names: Sequence[str], title: str) -> Any:
    flat = np.array([list(view.values.values())[:_COLUMNS] for view in views])
    rows, columns = flat.shape
    beside = 130
    side = 22
    below = 110 if names else 10
    canvas, draw, font = _canvas(pil, beside + columns * side + 40, height=rows * side + below, title=title)
    strength = np.clip(flat / 3, -1, 1)[..., np.newaxis]
    red = np.array([184, 72, 10])
    blue = np.array([11, 95, 165])
    paper = np.array([246, 246, 243])
    colours = np.where(strength > 0, paper + (red - paper) * strength, paper + (blue - paper) * -strength)
    for y in range(rows):
        top = _head() + y * side
        draw.text((_GAP, top + 3), _fit(labels[y], draw, font=font, width=beside - 2 * _GAP), fill=_INK, font=font)
        for x in range(columns):
            left = beside + x * side
            draw.rectangle((left, top, left + side - 2, top + side - 2), fill=tuple(int(c) for c in colours[y, x]))
    for x, name in enumerate(names):
        text = pil.Image.new("RGB", (below - 8, _TEXT + 5), _PAPER)
        pil.ImageDraw.Draw(text).text((0, 0), _fit(name, draw, font=font, width=below - 8), fill=_SOFT, font=font)
        canvas.paste(text.rotate(-90, expand=True), (beside + x * side + 2, _head() + rows * side + 4))
    return canvas


def _head() -> int:
    return _TEXT + 3 * _GAP


def _canvas(pil: Any, width: int, *, height: int, title: str) -> tuple[Any, Any, Any]:
    font = pil.ImageFont.load_default(_TEXT)
    needed = round(font.getlength(title)) + 2 * _GAP
    canvas = pil.Image.new("RGB", (max(width, needed), height + _head()), _PAPER)
    draw = pil.ImageDraw.Draw(canvas)
    draw.text((_GAP, _GAP), title, fill=_SOFT, font=font)
    return canvas, draw, font


def _fit(text: str, draw: Any, *, font: Any, width: int) -> str:
    shown = printable(text, limit=60).encode("latin-1", "replace").decode("latin-1")  # what the font can show
    while len(shown) > 1 and draw.textlength(shown, font=font) > width - 4:
        shown = shown[:-1]
    return shown
