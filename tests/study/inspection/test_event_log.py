"""What has happened to a study, as lines."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from study.errors import UserError
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.inspection.event_log import EventLog, followed_lines, log_lines
from study.journal.events import AttemptFailed
from study.journal.failure import Failure
from study.journal.journal import Journal, read_records
from study.journal.replay import check_trial


@pytest.fixture
def study(finished: StudyPaths, tmp_path: Path) -> StudyPaths:
    """A copy of a finished study to change."""
    shutil.copytree(finished.folder, tmp_path / "fake")
    return StudyPaths(LocalPath(tmp_path), "fake")


def test_each_event_is_a_line_with_its_objective(study: StudyPaths) -> None:
    lines = list(log_lines(study, None))
    records = read_records(study.journal)
    assert len(lines) == len(records)
    row = next(record for record in records if record["event"] == "reported")
    shown = f"val_accuracy {row['metrics']['val_accuracy']:.5g}"
    assert any("Z  reported  trial " in line and shown in line for line in lines)
    assert list(followed_lines(study, None)) == lines, "nobody drives it: nothing comes"


def test_one_trial_by_itself_and_none_that_is_not_there(study: StudyPaths) -> None:
    lines = list(log_lines(study, 1))
    assert lines
    assert all("trial 1" in line for line in lines)
    check_trial(study, 1)
    with pytest.raises(UserError, match="--trial must be a number below 6, the trials of fake"):
        check_trial(study, 6)


def test_below_a_failure_stands_its_traceback(study: StudyPaths) -> None:
    path = study.stderr(0, 0, 1)
    path.parent.make_folder()
    path.write_whole("Traceback\nRuntimeError: mine\n")
    journal = Journal.open(study.journal)
    failure = Failure("error", "KeyError: 'mine'", {"traceback": "long", "place": "a.py:3 in f"})
    failed = AttemptFailed(trial=0, attempt=1, failure=failure, retry=False)
    journal.append(failed.stamped().to_record())
    journal.close()
    lines = list(log_lines(study, 0))
    assert "  failure error: KeyError: 'mine'  " in lines[-3]
    assert lines[-3].endswith("place a.py:3 in f")
    assert lines[-2:] == ["    Traceback", "    RuntimeError: mine"]


def test_what_a_trial_has_printed_stands_below_its_events(study: StudyPaths) -> None:
    path = study.output(0, 0, 1)
    path.parent.make_folder()
    path.write_whole(b"epoch 1\n 10%|#   |\r100%|####|\n\n\x1b[31mred \xff\x1b[0m\n")
    assert list(log_lines(study, 0))[-4:] == [
        "    printed by attempt 1:",
        "    | epoch 1",
        "    | 100%|####|",
        r"    | \x1b[31mred �\x1b[0m",
    ]
    assert not any("printed" in line for line in log_lines(study, None))
    assert list(followed_lines(study, 0)) == list(log_lines(study, 0))


def test_a_log_that_is_followed_gives_each_line_once(study: StudyPaths) -> None:
    whole = study.journal.read_bytes().splitlines(keepends=True)
    path = study.output(0, 0, 1)
    path.parent.make_folder()
    path.write_whole("epoch 1\n")
    log, lines = EventLog(study, 0), []
    for count in (len(whole) // 3, len(whole) // 2, len(whole)):
        study.journal.write_bytes(b"".join(whole[:count]))
        lines += list(log.lines_since())
    assert list(log.lines_since()) == []
    assert lines + list(log.last_lines()) == list(log_lines(study, 0))
    assert lines[-1] == "    | epoch 1"
