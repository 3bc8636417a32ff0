from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from trainwell.core.errors import DataError
from trainwell.data.sources.images import decode, read_headers

Image = pytest.importorskip("PIL.Image", reason="reading images needs the package pillow")

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=2)
LIMIT = 10_000


def save(path: Path, image: object, **options: object) -> Path:
    (image if hasattr(image, "save") else Image.fromarray(image)).save(path, **options)  # type: ignore[union-attr]
    return path


def pixels(path: Path, channels: int = 3, height: int = 3, width: int = 4) -> np.ndarray:
    (block,) = decode([path], (height, width, channels))
    assert block.shape == (1, height, width, channels) and block.dtype == np.uint8
    return block[0]


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp", "gif"])
def test_lossless_formats(suffix: str, tmp_path: Path) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    image = GREY if suffix == "gif" else COLOUR
    path = save(tmp_path / f"a.{suffix}", image, **options)
    expected = np.repeat(GREY[:, :, None], 3, axis=2) if suffix == "gif" else COLOUR
    np.testing.assert_array_equal(pixels(path), expected)
    (header,) = read_headers([path], max_pixels=LIMIT)
    assert (header.height, header.width) == (3, 4)


def test_jpeg_is_close(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", np.full((3, 4, 3), (200, 100, 50), np.uint8), quality=95)
    assert np.abs(pixels(path).astype(int) - (200, 100, 50)).max() <= 3


@pytest.mark.parametrize(
    ("mode", "grey"), [("1", True), ("L", True), ("LA", True), ("P", False), ("RGB", False), ("RGBA", False)]
)
def test_grey_is_known_from_the_header(mode: str, grey: bool, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(COLOUR).convert(mode))
    assert read_headers([path], max_pixels=LIMIT)[0].grey is grey


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    image = np.zeros((3, 4, 4), np.uint8)
    image[:, :2] = (10, 20, 30, 255)
    path = save(tmp_path / "a.png", image)
    assert pixels(path)[0, 0].tolist() == [10, 20, 30]
    assert pixels(path)[0, 3].tolist() == [255, 255, 255]
    palette = Image.fromarray(np.zeros((3, 4), np.uint8), "P")
    palette.putpalette([9, 9, 9])
    assert pixels(save(tmp_path / "b.png", palette, transparency=0)).min() == 255


def test_sixteen_bits_lose_the_lower_byte(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", GREY.astype(np.uint16) * 256 + 77)
    np.testing.assert_array_equal(pixels(path, channels=1)[:, :, 0], GREY)
    assert read_headers([path], max_pixels=LIMIT)[0].grey


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", Image.new("CMYK", (4, 3), (0, 255, 255, 0)), quality=95)
    red = pixels(path)[0, 0].astype(int)
    assert red[0] > 200 and red[1] < 60 and red[2] < 60


def test_images_are_turned_as_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    path = save(tmp_path / "a.png", COLOUR, exif=exif)
    (header,) = read_headers([path], max_pixels=LIMIT)
    assert (header.height, header.width) == (4, 3)
    np.testing.assert_array_equal(pixels(path, height=4, width=3), np.rot90(COLOUR, -1))


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((3, 4), level, np.uint8)) for level in (50, 100, 150)]
    path = save(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    assert (pixels(path, channels=1) == 50).all()


@pytest.mark.parametrize("size", [(30, 60), (60, 30), (7, 9), (16, 16)])
def test_a_image_is_resized_until_it_fills_the_shape(size: tuple[int, int], tmp_path: Path) -> None:
    for suffix in ("png", "jpg"):
        path = save(tmp_path / f"a.{suffix}", np.full((*size, 3), 77, np.uint8))
        assert np.abs(pixels(path, height=16, width=16).astype(int) - 77).max() <= 2


def test_the_name_does_not_decide_the_format(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", COLOUR, format="PNG")
    np.testing.assert_array_equal(pixels(path), COLOUR)


def test_order_is_kept_over_blocks(tmp_path: Path) -> None:
    files = [save(tmp_path / f"{i}.bmp", np.full((2, 2), i % 256, np.uint8)) for i in range(600)]
    blocks = list(decode(files, (2, 2, 1)))
    assert [len(block) for block in blocks] == [256, 256, 88]
    assert np.concatenate(blocks)[:, 0, 0, 0].tolist() == [i % 256 for i in range(600)]


def png(width: int, height: int) -> bytes:
    """Write a PNG of one bit per pixel whose content is small and whose size is not."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes(height * (1 + (width + 7) // 8)))
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [200, 9_000, 12_000, 20_000])
def test_a_bomb_is_refused_before_it_is_decoded(side: int, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(side, side))
    with pytest.raises(DataError) as error:
        read_headers([tmp_path / "a.png"], max_pixels=LIMIT)
    assert "1 of 1 images cannot be used" in str(error.value)
    if side < 9_000:
        assert "200 x 200 pixels are more than data.max_pixels = 10,000" in str(error.value)


def whole_png() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


BROKEN = {
    "empty": b"",
    "HTML": b"<html>Not found</html>",
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n",
    "cut in the middle": whole_png()[:2000],
    "cut at the end": whole_png()[:-20],
    "flipped": whole_png()[:500] + b"\xff\0\xff" + whole_png()[503:],
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_image_is_named(case: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(BROKEN[case])
    with pytest.raises(DataError, match=f"1 of 1 images cannot be used: {tmp_path.name}/broken.png") as error:
        read_headers([path], max_pixels=LIMIT)
        list(decode([path], (64, 64, 3)))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("size", [(40, 40), (60, 40), (40, 60)])
def test_the_middle_is_kept_as_a_backbone_saw_it(size: tuple[int, int], tmp_path: Path) -> None:
    """An image resized to 1/0.8 of the side and cut to its middle, as timm does, is this crop at once."""
    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 255, (5, 5, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    path = save(tmp_path / "a.png", smooth)
    (block,) = decode([path], (16, 16, 3), crop=0.8)
    scale = 20 / min(size)
    whole = smooth.resize((round(size[0] * scale), round(size[1] * scale)), Image.Resampling.BILINEAR)
    left, top = (whole.width - 16) // 2, (whole.height - 16) // 2
    expected = np.asarray(whole.crop((left, top, left + 16, top + 16)), dtype=float)
    assert np.abs(block[0] - expected).mean() < 3
    assert np.abs(block[0] - expected).mean() < np.abs(next(decode([path], (16, 16, 3)))[0] - expected).mean() / 2


def test_floats_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tiff", GREY.astype(np.float32))
    with pytest.raises(DataError, match="floats without a defined range"):
        list(decode([path], (3, 4, 1)))


def test_all_broken_images_are_counted_and_five_are_named(tmp_path: Path) -> None:
    files = [tmp_path / f"{i:02}.png" for i in range(20)]
    for i, path in enumerate(files):
        path.write_bytes(whole_png()[: 2000 if i % 2 else None])
    with pytest.raises(DataError) as error:
        list(decode(files, (64, 64, 3)))
    message = str(error.value)
    assert "10 of 20 images cannot be used" in message and "and 5 more" in message
    assert [name in message for name in ("01.png", "09.png", "11.png", "00.png")] == [True, True, False, False]


def test_what_is_no_regular_file_is_never_opened(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match="not a regular file"):
        read_headers([tmp_path / "pipe.png"], max_pixels=LIMIT)
