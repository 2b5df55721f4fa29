"""A training on files whose process is killed, and that goes on in another, is bit for bit the one
that was never killed: with augmentation and loader processes, of every kind of files and place.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.training.checkpoint import Checkpoints
from study.training.recipe.recipe import Recipe

from .conftest import timeless, trained
from .data.pictures import write_parquet, write_pictures
from .test_files_on_a_store import stored

KILLED_AFTER = 2
TRAINING = """
import sys, time
from pathlib import Path
import torch
from study.files.local_storage import LocalPath
from study.training.checkpoint import Checkpoints
from study.training.loop import train
from study.training.recipe.recipe import Recipe

torch.set_num_threads(1)
train(
    Recipe.model_validate_json(sys.argv[1]),
    checkpoint=Checkpoints(LocalPath(Path(sys.argv[2]))),
    report=lambda row: print(row["epoch"], flush=True) is None,
    heartbeat=lambda: time.sleep(0.05),
)
print("it ended")
"""
"""Slow enough to be met in the middle of an epoch."""
DATA: dict[str, Any] = {
    "image_size": 8,
    "fit": "crop",
    "batch_size": 5,
    "augment": ["random_resized_crop", "flip", "mixup"],
    "loader": {"name": "host", "workers": 2},
    "train_images": None,
    "test_images": None,
}


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("folder", "disk"),
        pytest.param("parquet", "disk", marks=pytest.mark.faults),
        pytest.param("folder", "store", marks=pytest.mark.faults),
        pytest.param("parquet", "store", marks=pytest.mark.faults),
    ],
)
def test_a_killed_training_goes_on_as_if_it_had_not_been(
    kind: str,
    place: str,
    tiny: Callable[..., Recipe],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    monkeypatch.setattr("study.training.data.host_loader._available_processors", lambda: 2)
    write_pictures(tmp_path / "folder" / "train", 12, sides=(11, 9), kind="jpg")
    write_parquet(tmp_path / "parquet", tmp_path / "folder" / "train", "train")
    path = str(tmp_path / kind)
    if place == "store":
        bucket: ObjectPath = request.getfixturevalue("bucket")
        path = stored(tmp_path / kind, bucket, kind)
    recipe = tiny(data={**DATA, "name": kind, "path": path}, epochs=4)
    train_until_killed(recipe, tmp_path)
    rows, outcome = trained(recipe, checkpoint=Checkpoints(LocalPath(tmp_path / "checkpoints")))
    wanted, whole = trained(recipe)
    assert timeless(rows) == timeless(wanted)
    assert outcome.summary["data_fingerprint"] == whole.summary["data_fingerprint"]


def train_until_killed(recipe: Recipe, folder: Path) -> None:
    """Train in a process of its own, and kill that in the middle of an epoch."""
    (folder / "temp").mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-c", TRAINING, recipe.model_dump_json(), str(folder / "checkpoints")],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(folder / "temp")},
        start_new_session=True,
    )
    assert process.stdout
    seen = [process.stdout.readline().strip() for _ in range(KILLED_AFTER)]
    assert seen == [str(epoch + 1) for epoch in range(KILLED_AFTER)]
    os.killpg(process.pid, signal.SIGKILL)  # its loader processes, too, as when the power goes
    rest, _ = process.communicate(timeout=60)
    assert "it ended" not in rest
