"""One driver holds a study: by a lock where there are locks, by a claim on an object store."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from study.errors import StudyLocked
from study.files.local_storage import LocalPath
from study.files.lock import FileLock, ObjectClaim, acquire_lock, lock_holder, this_process
from study.files.object_storage import ObjectPath


def test_a_second_driver_is_refused_and_told_of_the_first(tmp_path: Path) -> None:
    path = LocalPath(tmp_path) / "tiny" / "journal" / "lock"
    assert lock_holder(path) == ""
    first = acquire_lock(path)
    assert isinstance(first, FileLock)
    assert first.taken_from == ""
    assert lock_holder(path) == this_process()
    with pytest.raises(StudyLocked, match=f"study tiny is being driven by process {os.getpid()}"):
        acquire_lock(path)
    first.release()
    first.release()
    assert lock_holder(path) == ""
    acquire_lock(path).release()


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    path = LocalPath(tmp_path) / "tiny" / "journal" / "lock"
    script = (
        "import os, sys; from study.files.local_storage import LocalPath;"
        " from study.files.lock import acquire_lock;"
        " lock = acquire_lock(LocalPath(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert killed.returncode == -9
    assert lock_holder(path) == ""
    acquire_lock(path).release()


def test_a_claim_is_seen_while_it_is_held(bucket: ObjectPath) -> None:
    path = bucket / "study" / "journal" / "lock"
    assert lock_holder(path) == ""
    first = acquire_lock(path)
    assert isinstance(first, ObjectClaim)
    assert "process" in lock_holder(path)
    second = acquire_lock(path)
    assert second.taken_from.startswith("process")
    second.release()
    first.release()
    assert lock_holder(path) == ""


def test_a_claim_that_another_driver_took_over_is_left_to_it(bucket: ObjectPath) -> None:
    path = bucket / "study" / "journal" / "lock"
    first = acquire_lock(path)
    path.write_whole("process 1 on elsewhere")
    first.release()
    assert lock_holder(path) == "process 1 on elsewhere"


def test_a_claim_that_nobody_keeps_fresh_is_a_dead_driver_s(
    bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bucket / "study" / "journal" / "lock"
    path.write_whole("process 1 on elsewhere")
    monkeypatch.setattr("study.files.lock._STALE_S", -60.0)
    assert lock_holder(path) == ""
