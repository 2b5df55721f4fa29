"""Every kind of file that lies in a folder of images is decoded or named."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from study.training.data.files.decode import BrokenImage, decode, examine, read_size
from study.training.runtime.torchvision import torchvision

LEFT_RED = Image.new("RGB", (8, 4), "blue")
LEFT_RED.paste("red", (0, 0, 4, 4))
RED, BLUE = [255, 0, 0], [0, 0, 255]
CLEAN = {"quality": 100, "subsampling": 0}


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def animated(kind: str, **options: Any) -> bytes:
    green = Image.new("RGB", (8, 4), "green")
    return saved(LEFT_RED, kind, save_all=True, append_images=[green], **options)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # a viewer turns it by a quarter
    return saved(LEFT_RED, "JPEG", exif=exif, **CLEAN)


def huge() -> bytes:
    """A PNG of a few bytes that would take gigabytes."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    length, crc = struct.pack(">I", len(chunk) - 4), struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + length + chunk + crc


DECODED: dict[str, Callable[[], bytes]] = {
    "png": lambda: saved(LEFT_RED, "PNG"),
    "rgba": lambda: saved(LEFT_RED.convert("RGBA"), "PNG"),
    "palette": lambda: saved(LEFT_RED.convert("P"), "PNG"),
    "transparent palette": lambda: saved(
        LEFT_RED.convert("P"), "PNG", transparency=bytes(range(256))
    ),
    "jpeg": lambda: saved(LEFT_RED, "JPEG", **CLEAN),
    "progressive jpeg": lambda: saved(LEFT_RED, "JPEG", progressive=True, **CLEAN),
    "cmyk jpeg": lambda: saved(LEFT_RED.convert("CMYK"), "JPEG", **CLEAN),
    "bmp": lambda: saved(LEFT_RED, "BMP"),
    "webp": lambda: saved(LEFT_RED, "WEBP", lossless=True),
    "gif": lambda: saved(LEFT_RED, "GIF"),
    "animated gif": lambda: animated("GIF"),
    "animated webp": lambda: animated("WEBP", lossless=True),
    "something behind it": lambda: saved(LEFT_RED, "PNG") + b"left behind",
}


@pytest.mark.parametrize("kind", DECODED)
def test_modes_and_formats_come_to_the_same_colors(kind: str) -> None:
    pixels = decode(DECODED[kind](), 3)
    assert (pixels.shape, pixels.dtype) == ((4, 8, 3), np.uint8)
    assert np.abs(pixels[2, 1].astype(int) - RED).max() < 12
    assert np.abs(pixels[2, 6].astype(int) - BLUE).max() < 12


GRAYS: dict[str, Callable[[], bytes]] = {
    "gray": lambda: saved(Image.new("L", (8, 4), 128), "PNG"),
    "gray with alpha": lambda: saved(Image.new("LA", (8, 4), (128, 7)), "PNG"),
    "16 bit": lambda: saved(Image.fromarray(np.full((4, 8), 128 << 8, np.uint16)), "PNG"),
}


@pytest.mark.parametrize("kind", GRAYS)
@pytest.mark.parametrize("channels", [1, 3])
def test_gray_stays_gray_however_deep(kind: str, channels: int) -> None:
    pixels = decode(GRAYS[kind](), channels)
    assert pixels.shape == (4, 8, channels)
    assert set(pixels.flat) == {128}


def test_black_and_white_is_gray() -> None:
    assert set(decode(saved(Image.new("1", (8, 4), 1), "PNG"), 1).flat) == {255}


def test_an_image_is_turned_as_viewers_turn_it() -> None:
    pixels = decode(turned(), 3)
    assert pixels.shape == (8, 4, 3) == (*read_size(turned()), 3)
    assert np.abs(pixels[1, 2].astype(int) - RED).max() < 12
    assert np.abs(pixels[6, 2].astype(int) - BLUE).max() < 12


def test_resizing_is_pillows_bicubic_one() -> None:
    wanted = np.asarray(LEFT_RED.resize((5, 3), Image.Resampling.BICUBIC))
    assert np.array_equal(decode(saved(LEFT_RED, "PNG"), 3, (3, 5)), wanted)


@pytest.mark.parametrize("size", [(31, 20), (20, 57), (300, 8), (8, 301), (16, 16), (3, 3)])
def test_what_is_cut_out_is_what_torchvision_cuts_out(size: tuple[int, int]) -> None:
    # without black and white, which are cut off between the two passes of resizing
    picture = Image.merge("RGB", [Image.effect_noise(size, 20) for _ in range(3)])
    steps = torchvision.transforms
    resize = steps.Resize(16, steps.InterpolationMode.BICUBIC)
    wanted = np.asarray(steps.CenterCrop(16)(resize(picture))).astype(int)
    found = decode(saved(picture, "PNG"), 3, (16, 16), "crop")
    assert np.abs(found - wanted).max() <= 1


def test_of_a_very_long_picture_only_the_middle_is_resized() -> None:
    long = saved(Image.new("L", (200_000, 2), 90), "PNG")
    assert set(decode(long, 1, (1024, 1024), "crop").flat) == {90}  # whole it would be 105 GB


def test_a_large_jpeg_is_decoded_small_and_looks_the_same() -> None:
    gradient = np.linspace(0, 255, 2000).astype(np.uint8)
    picture = Image.fromarray(np.tile(gradient, (1500, 1)))
    wanted = np.asarray(picture.resize((32, 32), Image.Resampling.BICUBIC)).astype(int)
    found = decode(saved(picture, "JPEG", quality=95), 1, (32, 32))
    assert np.abs(found[..., 0] - wanted).max() <= 4


PNG = saved(LEFT_RED, "PNG")
JPEG = saved(Image.effect_noise((64, 64), 90), "JPEG")
BROKEN = {
    "empty": b"",
    "text": b"not an image at all",
    "html": b"<html><body>404 Not Found</body></html>",
    "zeros": bytes(2000),
    "jpeg cut in its header": JPEG[:100],
    "jpeg cut half way": JPEG[: len(JPEG) // 2],
    "png cut": PNG[: len(PNG) - 26],
    "png with a flipped byte": PNG[:60] + bytes([PNG[60] ^ 255]) + PNG[61:],
    "huge": huge(),
    "pdf": b"%PDF-1.4\n",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "tiff": saved(LEFT_RED, "TIFF"),
    "icon": saved(LEFT_RED, "ICO"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_cannot_be_decoded_is_told_in_a_line(kind: str) -> None:
    for read in (decode, examine):
        with pytest.raises(BrokenImage) as caught:
            read(BROKEN[kind], 3)
        assert str(caught.value)
        assert "\n" not in str(caught.value)


def test_moments_are_those_of_the_pixels() -> None:
    noise = Image.merge("RGB", [Image.effect_noise((40, 30), sigma) for sigma in (20, 50, 90)])
    seen = examine(saved(noise, "PNG"), 3)
    values = np.asarray(noise) / 255
    assert (seen.height, seen.width) == (30, 40)
    assert np.allclose(seen.moments, [*values.mean((0, 1)), *(values**2).mean((0, 1))])
