"""The summary that a driver leaves: trusted where it is of the journal and file of now alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.files.lock import acquire_lock
from study.files.object_storage import ObjectPath
from study.inspection.status import overview, status_of
from study.journal.journal import Journal, read_records
from study.journal.replay import read_history
from study.journal.spec_versions import recorded_spec, sha256_hex
from study.results.summary import summary_file
from study.results.summary.making import summary_of
from study.results.summary.summary import Summary
from study.results.summary.summary_file import read_summary, write_summary

from ...fake_cluster import small_spec
from ...fake_folder import finish_in


@pytest.fixture
def study(finished: StudyPaths, tmp_path: Path) -> StudyPaths:
    """A finished study with its summary, to change."""
    shutil.copytree(finished.folder, tmp_path / "fake")
    paths = StudyPaths(LocalPath(tmp_path), "fake")
    summarize(paths)
    return paths


def summarize(paths: StudyPaths) -> None:
    history = read_history(paths.journal)
    write_summary(paths, history, summary_of(history, recorded_spec(paths, history)))


def refuse(*_: object, **__: object) -> Any:
    raise AssertionError("this is not to be done")


def test_what_is_read_is_what_the_journal_amounts_to(study: StudyPaths) -> None:
    history = read_history(study.journal)
    stored = read_summary(study)
    assert stored is not None
    assert stored.summary == summary_of(history, recorded_spec(study, history))
    assert stored.journal_bytes == study.journal.stat().st_size


def test_a_list_reads_no_journal_and_validates_no_study_file(
    study: StudyPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = status_of(study)
    monkeypatch.setattr("study.journal.replay.read_history", refuse)
    monkeypatch.setattr("study.journal.spec_versions.recorded_spec", refuse)
    assert overview(study.storage) == [expected]


def test_where_a_driver_is_at_work_the_journal_is_read(study: StudyPaths) -> None:
    lock = acquire_lock(study.lock)
    try:
        assert overview(study.storage)[0]["state"] == "running"
    finally:
        lock.release()
    assert overview(study.storage)[0]["state"] != "running"


def test_a_summary_of_an_earlier_journal_is_none(study: StudyPaths) -> None:
    journal = Journal.open(study.journal)
    journal.append({"event": "closed", "session": 1, "reason": "target", "time": 1.8e9})
    journal.close()
    assert read_summary(study) is None
    assert overview(study.storage)[0]["state"] == "target"
    summarize(study)
    assert read_summary(study) is not None


def test_a_summary_of_a_journal_with_another_byte_is_none(study: StudyPaths) -> None:
    content = bytearray(study.journal.read_bytes())
    content[len(content) // 2] ^= 1
    study.journal.write_bytes(content)
    assert read_summary(study) is None
    assert overview(study.storage)[0]["state"].startswith("damaged: ")


@pytest.mark.filterwarnings("ignore::study.errors.StudyFileChanged")
def test_a_summary_beside_another_study_file_is_none(study: StudyPaths) -> None:
    study.spec.write_text(study.spec.read_text() + "\n")
    assert read_summary(study) is None


def test_another_studys_summary_is_none(study: StudyPaths, tmp_path: Path) -> None:
    other, _ = finish_in(tmp_path / "others", small_spec(points=3))
    summarize(other)
    shutil.copy(other.summary, study.summary)
    assert read_summary(study) is None
    assert overview(study.storage)[0]["points"] == 6


def test_a_copy_of_the_whole_folder_has_its_summary(study: StudyPaths, tmp_path: Path) -> None:
    shutil.copytree(study.folder, tmp_path / "copy")
    assert read_summary(StudyPaths(LocalPath(tmp_path), "copy")) == read_summary(study)


def forged(content: str, **figures: Any) -> str:
    """A summary with other figures, and the right hash of them."""
    tree = json.loads(content)
    tree["summary"].update(figures)
    text = json.dumps(tree["summary"])
    tree["made_from"]["summary"] = sha256_hex(text)
    return json.dumps(tree)


@pytest.mark.parametrize(
    "figures",
    [
        {"points": -1},
        {"points": True},
        {"points": 10**400},
        {"best": "0.99"},
        {"best": float("nan")},
        {"best": float("inf")},
        {"best_values": [["optimizer.lr", 1]]},
        {"states": {"COMPLETE": "6"}},
        {"state": "x" * 5000},
        {"last_event_at": 1e300},
        {"goes_on": 1},
        {"unheard_of": 1},
    ],
    ids=lambda figures: " ".join(figures),
)
def test_a_summary_of_another_form_is_none(study: StudyPaths, figures: dict[str, Any]) -> None:
    study.summary.write_text(forged(study.summary.read_text(), **figures))
    assert read_summary(study) is None
    assert overview(study.storage)[0]["points"] == 6


def test_a_summary_that_was_changed_by_hand_is_none(study: StudyPaths) -> None:
    changed = study.summary.read_text().replace('"points": 6', '"points": 7')
    study.summary.write_text(changed)
    assert read_summary(study) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"made_from": {}, "summary": {}}',
        b'{"made_from": 1, "summary": 2}',
        b" " * (summary_file._LARGEST_BYTES + 1),
    ],
    ids=lambda content: repr(content[:20]),
)
def test_what_is_no_summary_is_none(study: StudyPaths, content: bytes) -> None:
    study.summary.write_bytes(content)
    assert read_summary(study) is None


def test_a_summary_that_is_too_large_is_not_read(study: StudyPaths) -> None:
    study.summary.write_text(study.summary.read_text() + " " * summary_file._LARGEST_BYTES)
    assert read_summary(study) is None


def test_none_is_written_of_a_journal_that_has_gone_on(study: StudyPaths) -> None:
    history = read_history(study.journal)
    study.summary.unlink()
    history.journal_bytes -= 1
    write_summary(study, history, summary_of(history, recorded_spec(study, history)))
    assert not study.summary.exists()


def test_a_storage_that_refuses_costs_no_more_than_the_summary(
    study: StudyPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    study.summary.unlink()
    monkeypatch.setattr(LocalPath, "write_whole", full)
    summarize(study)
    assert not study.summary.exists()


def test_each_figure_of_a_summary_has_its_form() -> None:
    assert list(summary_file._FORM) == list(Summary.__dataclass_fields__)


def test_on_an_object_store_a_summary_is_of_the_objects_that_were_there(
    study: StudyPaths, bucket: ObjectPath
) -> None:
    stored = StudyPaths(bucket, "fake")
    stored.spec.write_whole(study.spec.read_bytes())
    journal = Journal.create(stored.journal)
    journal.append(*read_records(study.journal))
    assert read_summary(stored) is None
    summarize(stored)
    assert overview(bucket)[0] | {"folder": ""} == status_of(stored) | {"folder": ""}
    found = read_summary(stored)
    assert found is not None
    assert found.summary.points == 6
    journal.append({"event": "closed", "session": 1, "reason": "target", "time": 1.8e9})
    assert read_summary(stored) is None
