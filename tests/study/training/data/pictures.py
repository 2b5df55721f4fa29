"""Small pictures of two classes in folders: dark ones and bright ones, with some noise."""

from __future__ import annotations

from pathlib import Path
from random import Random

from PIL import Image

CLASSES = ("bright", "dark")


def write_pictures(
    folder: Path, count: int, *, sides: tuple[int, int] = (9, 8), kind: str = "png", seed: int = 0
) -> None:
    """Write ``count`` pictures of each class, of this width and height."""
    draw = Random(seed)
    for name in CLASSES:
        (folder / name).mkdir(parents=True, exist_ok=True)
        low = 90 if name == "bright" else 0
        for number in range(count):
            pixels = bytes(draw.randint(low, low + 160) for _ in range(3 * sides[0] * sides[1]))
            picture = Image.frombytes("RGB", sides, pixels)
            picture.save(folder / name / f"{number:03}.{kind}")
