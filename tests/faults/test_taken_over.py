"""Two drivers at one study on an object store, which has no locks: whatever the older one still
does, nothing of it counts.

The drivers are real processes on a real S3 server; workers that train nothing stand in Ray's place.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from subprocess import Popen

import pytest

from study.errors import OutsideFault, StudyLocked
from study.execution import lifecycle
from study.files.lock import acquire_lock, lock_holder
from study.files.object_storage import ObjectPath
from study.results.parquet import read_tables, write_tables

from ..study.command import kill
from .faulty_store import Fault, FaultyStore
from .harried_study import HarriedStudy

SLOW_S = 3600.0
"""An epoch of a driver that writes no further record while one looks."""
LONG_ENOUGH_S = 20.0
"""For a driver that lives to write its tables again."""


def slow_study(folder: Path, bucket: ObjectPath, store: FaultyStore) -> HarriedStudy:
    """A study whose first driver has handed its first trials out, and hears nothing of them."""
    study = HarriedStudy(0, folder, bucket, store, epoch_s=SLOW_S)
    first = study.start()
    tables = study.paths.trials_table
    study.wait(tables.is_file, first)  # it has begun to keep the tables fresh
    assert first.poll() is None, first.communicate()[0]
    return study


def wait_a_while(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, or until it has not for long enough."""
    deadline = time.monotonic() + LONG_ENOUGH_S
    while time.monotonic() < deadline and not condition():
        time.sleep(0.1)


def made(study: HarriedStudy) -> datetime | None:
    """When the table of trials was last written."""
    path = study.paths.trials_table
    assert isinstance(path, ObjectPath)
    return path.modified()


def test_tables_of_a_superseded_driver_are_not_taken_for_fresh(
    tmp_path: Path, bucket: ObjectPath, s3: str
) -> None:
    with FaultyStore(s3) as store:
        study = slow_study(tmp_path, bucket, store)
        study.epoch_s = 0.02
        second = study.start()
        output, _ = second.communicate(timeout=60)
        assert second.returncode == 0, output
        ended = made(study)
        first = study.drivers[0]
        wait_a_while(lambda: made(study) != ended or first.poll() is not None)
    tables = read_tables(study.paths)
    write_tables(study.paths)
    anew = read_tables(study.paths)
    assert anew is not None
    assert tables is None or tables.trials.equals(anew.trials)


def test_a_study_that_is_driven_is_not_removed(tmp_path: Path, bucket: ObjectPath, s3: str) -> None:
    with FaultyStore(s3) as store:
        study = slow_study(tmp_path, bucket, store)
        driver: Popen[str] = study.drivers[0]
        with pytest.raises(StudyLocked, match=f"process {driver.pid}"):
            lifecycle.remove("tiny", storage=bucket)
        assert study.paths.spec.exists()


def test_a_claim_that_is_released_while_one_looks_is_nobodys(
    bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, modified = bucket / "study" / "journal" / "lock", ObjectPath.modified
    claim = acquire_lock(path)

    def release_after(self: ObjectPath) -> datetime | None:
        found = modified(self)
        self.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(ObjectPath, "modified", release_after)
    try:
        assert lock_holder(path) == ""
    finally:
        monkeypatch.undo()
        claim.release()


def test_a_store_without_conditional_writes_is_refused(
    tmp_path: Path, bucket: ObjectPath, s3: str
) -> None:
    with FaultyStore(s3, ignores_conditions=True) as store:
        study = HarriedStudy(0, tmp_path, bucket, store, points=2)
        driver = study.start()
        output, _ = driver.communicate(timeout=60)
    assert driver.returncode in (2, 3), output
    assert len(output.splitlines()) == 1
    assert str(bucket) in output
    assert not study.paths.journal.exists()


@pytest.mark.parametrize(
    "part",
    [
        "study.yaml",
        "journal/lock",
        "journal/events",
    ],
)
def test_a_part_that_cannot_be_read_now_is_a_fault_that_says_how_to_go_on(
    tmp_path: Path, bucket: ObjectPath, s3: str, part: str
) -> None:
    """Exit code 3, and one line: a script that starts the driver again goes by it."""
    with FaultyStore(s3, kinds=[Fault.SLOW_DOWN], only=part) as store:
        study = slow_study(tmp_path, bucket, store)
        kill(study.drivers.pop())
        store.share = 1.0
        second = study.start()
        output, _ = second.communicate(timeout=60)
    assert second.returncode == OutsideFault.exit_code, output
    assert part in output
    assert "study resume tiny" in output
    assert "Traceback" not in output
