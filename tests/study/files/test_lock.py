"""One driver holds a study: by a lock where there are locks, by a claim on an object store."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from study.errors import StudyLocked, Superseded
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


def test_looking_creates_nothing_and_writes_nothing(tmp_path: Path) -> None:
    path = LocalPath(tmp_path) / "tiny" / "journal" / "lock"
    assert lock_holder(path) == ""
    assert list(tmp_path.iterdir()) == []
    acquire_lock(path).release()
    path.write_text("process 7 on elsewhere")
    path.chmod(0o400)
    assert lock_holder(path) == ""
    assert path.read_text() == "process 7 on elsewhere"


def test_a_lock_in_which_its_holder_can_not_be_written_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, length: int) -> None:
        raise OSError(30, "Read-only file system")

    path = LocalPath(tmp_path / "lock")
    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", refuse)
        with pytest.raises(OSError, match="Read-only"):
            acquire_lock(path)
    assert lock_holder(path) == ""
    acquire_lock(path).release()


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    mine = tmp_path / "bashrc"
    mine.write_text("export MINE=1")
    path = LocalPath(tmp_path) / "tiny" / "journal" / "lock"
    path.parent.mkdir(parents=True)
    path.symlink_to(mine)
    for look in (lock_holder, acquire_lock):
        with pytest.raises(OSError, match="symbolic links"):
            look(path)
    assert mine.read_text() == "export MINE=1"


def test_a_driver_that_starts_while_others_look_is_not_refused(tmp_path: Path) -> None:
    path = LocalPath(tmp_path) / "tiny" / "journal" / "lock"
    acquire_lock(path).release()
    looker = os.open(path, os.O_RDONLY)
    fcntl.flock(looker, fcntl.LOCK_SH)
    assert lock_holder(path) == "", "another look is no driver"
    gone = threading.Timer(0.2, os.close, [looker])
    gone.start()
    lock = acquire_lock(path)
    gone.join()
    assert lock_holder(path) == this_process()
    lock.release()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_lock_that_was_removed_is_no_longer_held(tmp_path: Path, replaced: bool) -> None:
    path = LocalPath(tmp_path) / "tiny" / "journal" / "lock"
    lock = acquire_lock(path)
    lock.check_held()
    path.unlink()
    if replaced:
        path.write_text("")
    with pytest.raises(Superseded, match="was removed or replaced"):
        lock.check_held()


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


def test_a_claim_is_not_taken_over_by_who_is_not_to(bucket: ObjectPath) -> None:
    path = bucket / "study" / "journal" / "lock"
    first = acquire_lock(path, take_over=False)
    with pytest.raises(StudyLocked, match="study study is being driven by process"):
        acquire_lock(path, take_over=False)
    assert lock_holder(path) == this_process()
    first.release()
    acquire_lock(path, take_over=False).release()


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


def test_a_claim_that_its_old_owner_wrote_back_is_claimed_again(bucket: ObjectPath) -> None:
    """As where the old driver has read the claim before it was taken over, and writes it after."""
    path = bucket / "study" / "journal" / "lock"
    first = acquire_lock(path)
    assert isinstance(first, ObjectClaim)
    written = path.read_bytes()
    second = acquire_lock(path)
    assert isinstance(second, ObjectClaim)
    taken_over = path.read_bytes()
    assert taken_over != written
    path.write_whole(written)
    second.refresh()
    assert path.read_bytes() == taken_over
    first.refresh()
    assert path.read_bytes() == taken_over, "the older one lets it be"
    path.write_whole(written)
    first.release()
    assert lock_holder(path) == ""
    second.refresh()
    assert lock_holder(path) == this_process()
    second.release()
    assert lock_holder(path) == ""


@pytest.mark.parametrize("ahead_s", [60.0, 3600.0, -3600.0])
def test_a_claim_is_fresh_by_the_clock_of_the_store(
    bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch, ahead_s: float
) -> None:
    path = bucket / "study" / "journal" / "lock"
    claim = acquire_lock(path)
    now = time.time()
    monkeypatch.setattr("study.files.lock.time.time", lambda: now + ahead_s)
    assert lock_holder(path) == this_process()
    claim.release()
    assert [found.path.name for found in bucket.objects_below()] == []


def test_a_claim_that_is_not_refreshed_is_stale_by_the_clock_of_the_store(
    bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bucket / "study" / "journal" / "lock"
    path.write_whole("process 1 on elsewhere")
    made = path.modified()
    assert made is not None
    later = made + timedelta(seconds=51)
    monkeypatch.setattr("study.files.lock._store_time", lambda path: later)
    monkeypatch.setattr("study.files.lock.time.time", lambda: made.timestamp() - 600)
    assert lock_holder(path) == ""
