"""Temporary folders of drivers: their owner's alone, in reach of sockets, gone with their driver."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from study.execution.on_ray.temporary_folder import (
    TemporaryFolder,
    count_own_rays,
    remove_abandoned_folders,
)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


HOLD = """
import sys
from study.execution.on_ray.temporary_folder import TemporaryFolder
folder = TemporaryFolder("study-ray-")
print(folder.path, flush=True)
sys.stdin.read()
"""


def test_a_folder_stays_as_long_as_its_driver_lives_wherever_that_is_and_no_longer(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    )
    assert driver.stdout is not None
    folder = Path(driver.stdout.readline().strip())
    assert folder.parent == temporary
    assert count_own_rays() >= 1
    with monkeypatch.context() as elsewhere:
        # a container sees none of our processes in its /proc
        elsewhere.setattr(Path, "exists", lambda path: "proc" not in path.parts)
        remove_abandoned_folders()
    assert folder.is_dir()
    driver.kill()
    driver.communicate()
    remove_abandoned_folders()
    assert not folder.exists()


def test_folders_of_tune_are_swept_too_and_others_are_left(temporary: Path) -> None:
    abandoned = temporary / "study-tune-abc"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    for other in ("study-mine", "study-ray-new"):  # nobody has locked the second one yet
        (temporary / other).mkdir()
    with TemporaryFolder("study-tune-") as own:
        remove_abandoned_folders()
        assert own.path.is_dir()
        assert stat.S_IMODE(own.path.stat().st_mode) == 0o700
    assert {path.name for path in temporary.iterdir()} == {"study-mine", "study-ray-new"}


def test_a_folder_lies_in_reach_however_long_the_path_of_tmpdir(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = temporary / ("x" * 60)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with TemporaryFolder("study-ray-", longest=36) as near:
        assert len(os.fsencode(near.path)) <= 36
    with TemporaryFolder("study-tune-") as far:
        assert far.path.parent == deep
