from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from analysis.results import load

pytest.importorskip(
    "tensorboardX", reason="TensorBoard's files are written by tensorboardX, which is not installed"
)


def records(path: Path) -> int:
    """The TFRecords in an event file: a length, its checksum, the content, its checksum."""
    data, at, count = path.read_bytes(), 0, 0
    while at < len(data):
        at += 8 + 4 + struct.unpack_from("<Q", data, at)[0] + 4
        count += 1
    assert at == len(data)
    return count


def test_each_trial_with_epochs_is_a_run(mixed: Any, tmp_path: Path) -> None:
    from analysis.tensorboard import write_events

    folder = write_events(load(mixed.paths), tmp_path / "events")
    runs = sorted(path.name for path in folder.iterdir())
    assert runs == [f"digits-momentum-{n:05d}" for n in (0, 1, 2, 3, 4, 5, 6, 9, 10)]
    (file,) = (folder / runs[0]).iterdir()
    assert records(file) >= 1 + 1 + 3 * 10, "a version, the settings, ten metrics an epoch"
