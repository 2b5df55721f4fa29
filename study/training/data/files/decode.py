"""An image file becomes pixels: any kind that Pillow reads of those named here, in RGB or gray."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from study.training.data.normalize import middle_of

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
"""Files that are taken for images, in upper case too; what they hold may be another of these."""
MOST_BYTES = 2**28
"""A larger file isn't read."""

MOST_PIXELS = Image.MAX_IMAGE_PIXELS or 2**27
"""Of one image; it is Pillow's own bound, from which on it warns."""

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
_MODES = {1: "L", 3: "RGB"}
_DEEP_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I")
"""Gray of 16 bits: Pillow's own conversion would show all that is brighter than 255 as white."""
_DRAFT_MARGIN = 2
"""A JPEG is decoded at the least of its scales that is so many times as large as is asked for."""

# What it warns of is what a file holds, and there are many: what can't be decoded is told anyway.
warnings.filterwarnings("ignore", module=r"PIL\.")

Pixels = NDArray[np.uint8]
"""(H, W, C)."""


class BrokenImage(Exception):
    """A file that can't be decoded, and why."""


class Examined(NamedTuple):
    """What is known of an image once it has been decoded."""

    height: int
    width: int
    moments: list[float]
    """Of each channel the mean, then of each the mean square, of values in [0, 1]."""


def decode(
    content: bytes, channels: int, sides: tuple[int, int] | None = None, fit: str = "stretch"
) -> Pixels:
    """Return an image's pixels, its first frame as a viewer turns it; with ``sides`` (height and
    width) resized bicubically, by the ``fit`` of the data section. Raises BrokenImage.
    """
    return in_channels(_opened(content, channels, sides), channels, sides, fit)


def in_channels(
    picture: Image.Image,
    channels: int,
    sides: tuple[int, int] | None = None,
    fit: str = "stretch",
) -> Pixels:
    """Return an opened picture's pixels in so many channels, with ``sides`` resized."""
    picture = _in_mode(picture, _MODES[channels])
    if sides is not None and picture.size != sides[::-1]:
        box = _middle_box(picture, sides[0]) if fit == "crop" else None
        picture = picture.resize(sides[::-1], Image.Resampling.BICUBIC, box)
    return np.array(picture).reshape(picture.height, picture.width, channels)


def _middle_box(picture: Image.Image, side: int) -> tuple[float, float, float, float]:
    """Return what of a picture becomes its middle square: left, top, right and bottom.

    Only that is resized, however long and narrow the picture is; its edges are interpolated from
    what lies around it.
    """
    middle = middle_of(picture.height, picture.width, side)
    right, bottom = middle.left + side, middle.top + side
    across, down = picture.width / middle.width, picture.height / middle.height
    return (
        middle.left * across,
        middle.top * down,
        min(right * across, picture.width),
        min(bottom * down, picture.height),
    )


def examine(content: bytes, channels: int) -> Examined:
    """Decode a whole image and return its size and its moments. Raises BrokenImage."""
    height, width = read_size(content)
    picture = _opened(content, channels, (_EXAMINED_SIDE, _EXAMINED_SIDE))
    counts = np.array(picture.histogram(), dtype=np.float64).reshape(channels, 256)
    shares = counts / counts.sum(1, keepdims=True)
    values = np.arange(256) / 255
    return Examined(height, width, [*(shares @ values), *(shares @ values**2)])


_EXAMINED_SIDE = 256
"""Of larger JPEG files a smaller picture has nearly the same moments, sooner."""


def read_size(content: bytes | BinaryIO) -> tuple[int, int]:
    """Return the height and width that an image's header tells, as a viewer turns it.

    Raises BrokenImage.
    """
    with _faults_told():
        picture = _open(content)
        width, height = picture.size
        return (width, height) if _is_on_its_side(picture) else (height, width)


def _opened(content: bytes, channels: int, sides: tuple[int, int] | None) -> Image.Image:
    with _faults_told():
        picture: Image.Image = _open(content)
        if sides is not None:
            side = _DRAFT_MARGIN * max(sides)
            picture.draft(None, (side, side))
        picture.load()
        with suppress(Exception):  # a turn that can't be read is none
            picture = ImageOps.exif_transpose(picture)
        return _in_mode(picture, _MODES[channels])


def _open(content: bytes | BinaryIO) -> Image.Image:
    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    picture = Image.open(stream, formats=_FORMATS)
    if picture.width * picture.height > MOST_PIXELS:
        raise BrokenImage(f"it has {picture.width:,} × {picture.height:,} pixels, too many")
    return picture


def _is_on_its_side(picture: Image.Image) -> bool:
    """Tell whether a viewer turns the picture by a quarter."""
    with suppress(Exception):
        return int(picture.getexif().get(0x0112, 1)) >= 5
    return False


def _in_mode(picture: Image.Image, mode: str) -> Image.Image:
    if picture.mode in _DEEP_MODES:
        deep = np.asarray(picture).astype(np.int64)
        picture = Image.fromarray((deep >> 8).clip(0, 255).astype(np.uint8))
    if picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")
    return picture if picture.mode == mode else picture.convert(mode)


@contextmanager
def _faults_told() -> Iterator[None]:
    """Turn whatever Pillow raises at a file into a BrokenImage with one line of text."""
    try:
        yield
    except (MemoryError, BrokenImage):
        raise
    except Exception as error:
        raise BrokenImage(_reason(error)) from None


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is no image of a known kind"
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return f"it has more than {MOST_PIXELS:,} pixels"
    text = " ".join(str(error).split())[:100]
    return text or type(error).__name__
