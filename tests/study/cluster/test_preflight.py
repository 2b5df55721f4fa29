"""What stands against a study on a cluster, before anything of it is started there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from study.cluster import preflight
from study.cluster.job_request import JobRequest
from study.cluster.preflight import check_free
from study.errors import StudyLocked, UserError
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.files.lock import acquire_lock
from study.files.object_storage import ObjectPath


def test_only_a_job_that_resumes_takes_a_study_on_an_object_store_over(
    tmp_path: Path, bucket: ObjectPath
) -> None:
    new, going_on = (
        JobRequest("tiny", str(bucket), study_file=text) for text in ("study: tiny", "")
    )
    for paths in (StudyPaths(bucket, "tiny"), StudyPaths(LocalPath(tmp_path), "tiny")):
        paths.folder.make_folder()
        paths.spec.write_whole("study: tiny")
        lock = acquire_lock(paths.lock)
        try:
            with pytest.raises(StudyLocked, match=f"process {os.getpid()} on"):
                check_free(new, paths)
            if not paths.lock.has_locks:
                check_free(going_on, paths)
            else:
                with pytest.raises(StudyLocked):
                    check_free(going_on, paths)
        finally:
            lock.release()
        check_free(new, paths)


def answers(storage: Path, **changes: str) -> dict[str, preflight._NodeAnswer]:
    """The answer that this machine gives, as a node named so; changed."""
    answer = preflight._look_around(str(storage), ".probe-1")
    return {"worker (12345678)": preflight._NodeAnswer(**(answer | changes))}


def test_a_node_leaves_a_file_in_the_storage_that_is_removed_when_it_was_seen(
    tmp_path: Path,
) -> None:
    storage = tmp_path / "studies"
    found = answers(storage)
    assert [path.name for path in storage.iterdir()] == [".probe-1"]
    preflight._check_storage(JobRequest("tiny", str(storage)), found)
    assert list(storage.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trouble": "Permission denied"}, "can't write to .*: Permission denied"),
        ({"probe": ".elsewhere"}, "is not seen from the head: the storage must be one that all"),
    ],
)
def test_a_node_that_does_not_share_the_storage_is_named(
    tmp_path: Path, changes: dict[str, str], reason: str
) -> None:
    with pytest.raises(
        UserError, match=f"node worker .12345678. {reason}|what node worker .*{reason}"
    ):
        preflight._check_storage(JobRequest("tiny", str(tmp_path)), answers(tmp_path, **changes))


def test_a_node_must_have_this_version_unless_the_job_brings_its_own() -> None:
    asked = JobRequest("tiny", "/shared", version="1.2")
    for found, has in (("1.1", "ray-study 1.1"), ("", "no ray-study")):
        with pytest.raises(UserError, match=f"has {has}, and this is 1.2: pip install"):
            preflight._check_version(asked, "worker", found)
    preflight._check_version(asked, "worker", "1.2")
    preflight._check_version(JobRequest("tiny", "/shared"), "worker", "")
