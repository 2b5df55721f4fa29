"""A study on a file system that fills up: it waits, goes on when there is space, and loses
nothing.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ..study.command import count, history_of, outcome, run, start, wait_for, write_study

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a tmpfs can't be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_waited_for_and_nothing_is_lost(small_disk: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    write_study(whole, keep_checkpoints="none")
    run(whole, "run", "tiny.yaml")
    write_study(small_disk, keep_checkpoints="none")
    process = start(small_disk, "run", "tiny.yaml")
    wait_for(lambda: count(small_disk, "reported") >= 2, "two epochs")
    filler = small_disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"0" * 4096)
    before = len((small_disk / "studies" / "tiny" / "journal" / "events.jsonl").read_bytes())
    time.sleep(8)
    assert process.poll() is None, process.communicate()[0]
    filler.unlink()
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    assert "paused" in said
    assert len((small_disk / "studies" / "tiny" / "journal" / "events.jsonl").read_bytes()) > before
    assert outcome(history_of(small_disk)) == outcome(history_of(whole))
