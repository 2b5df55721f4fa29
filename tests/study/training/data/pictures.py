"""Small pictures of two classes in folders: dark ones and bright ones, with some noise."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pyarrow as pa
from PIL import Image
from pyarrow import parquet

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


def write_parquet(folder: Path, pictures: Path, part: str, *, files: int = 2) -> None:
    """Write pictures in class folders as Parquet files of Hugging Face's form."""
    rows = [
        {"image": {"bytes": file.read_bytes(), "path": file.name}, "label": label}
        for label, name in enumerate(CLASSES)
        for file in sorted((pictures / name).iterdir())
    ]
    features = {"label": {"names": list(CLASSES), "_type": "ClassLabel"}}
    described = json.dumps({"info": {"features": features}})
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        table = pa.Table.from_pylist(rows[number::files])
        table = table.replace_schema_metadata({"huggingface": described})
        name = f"{part}-{number:05}-of-{files:05}.parquet"
        parquet.write_table(table, folder / name, row_group_size=3)
