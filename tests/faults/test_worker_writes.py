"""A worker killed after each of its durable writes in turn: nothing is unrecoverable."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.journal.trials import ENDED_STATES

from ..study.command import history_of, outcome, run, write_study

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
MODEL = """
import os, signal
from pathlib import Path
from torch import nn

COUNT, MARK = Path({count!r}), Path({mark!r})
sync = os.fsync

def counted(descriptor):
    sync(descriptor)
    done = int(COUNT.read_text() or 0) + 1
    COUNT.write_text(str(done))
    if done == {fatal} and not MARK.exists():
        MARK.touch()
        os.kill(os.getpid(), signal.SIGKILL)

os.fsync = counted

def factory(image_shape, classes, **options):
    channels, height, width = image_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, classes))
"""


def study(folder: Path, fatal: int) -> None:
    folder.mkdir()
    count, mark = folder / "count", folder / "killed"
    count.write_text("0")
    (folder / "mine.py").write_text(MODEL.format(count=str(count), mark=str(mark), fatal=fatal))
    recipe = {"epochs": 2, "data": {"name": "digits", "train_images": 200}, "model": "mine:factory"}
    write_study(folder, points=2, pruner="none", recipe=recipe, concurrency=1)


def test_a_worker_may_die_after_any_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = tmp_path / "whole"
    study(whole, 0)
    run(whole, "run", "tiny.yaml")
    writes = int((whole / "count").read_text())
    assert writes >= 4
    for fatal in range(1, writes + 1):
        folder = tmp_path / str(fatal)
        study(folder, fatal)
        run(folder, "run", "tiny.yaml")
        history = history_of(folder)
        assert (folder / "killed").exists()
        assert all(point.state in ENDED_STATES for point in history.points)
        assert outcome(history) == outcome(history_of(whole))
    with capsys.disabled():
        print(f"\n{writes} writes of workers, each the last of one: 0 unrecoverable")
