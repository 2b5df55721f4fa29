"""A journal that shows less than the study's folder has lost records, and each sign is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.errors import StateLost
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.history import History
from study.journal.journal import journal_bytes, read_records
from study.journal.log.integrity import check_nothing_lost

from ....analysis.conftest import Maker


@pytest.fixture
def study(tmp_path: Path) -> Maker:
    """One trial, whose second attempt has reported two epochs."""
    study = Maker(tmp_path)
    trial = study.start(study.point({"optimizer.name": "adam", "optimizer.lr": 0.1}), 0)
    study.report(trial, 1, 0.4)
    study.attempt(trial, 0, 0, 2, epochs=1)
    study.report(trial, 2, 0.5, attempt=2)
    return study


def leave(paths: StudyPaths, file: str) -> None:
    path = LocalPath(paths.trials) / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def check(paths: StudyPaths) -> None:
    check_nothing_lost(paths, History(read_records(paths.journal)), journal_bytes(paths.journal))


@pytest.mark.parametrize(
    "file",
    [
        "00000.0/checkpoints/attempt-0002-epoch-000002.ckpt",
        "00000.0/checkpoints/attempt-0002-epoch-000003.ckpt",
        "00000.0/checkpoints/attempt-0001-epoch-000007.ckpt",
        "00000.0/stderr.2.txt",
        "00000.0/checkpoints/.attempt-0009-epoch-000009.ckpt.x1y2",
        "notes/anything.txt",
        "README",
    ],
)
def test_what_a_whole_journal_can_leave_is_no_sign(study: Maker, file: str) -> None:
    leave(study.paths, file)
    check(study.paths)


@pytest.mark.parametrize(
    ("file", "sign"),
    [
        ("00000.0/checkpoints/attempt-0002-epoch-000004.ckpt", "a checkpoint of epoch 4, and the"),
        (
            "00000.0/checkpoints/attempt-0003-epoch-000001.ckpt",
            "shows attempt 3, and the journal 2",
        ),
        ("00000.0/stderr.3.txt", "shows attempt 3, and the journal 2"),
        ("00001.0/stderr.1.txt", "00001.0 belongs to a trial that the journal doesn't know"),
    ],
)
def test_what_a_longer_journal_has_left_is_a_sign(study: Maker, file: str, sign: str) -> None:
    leave(study.paths, file)
    with pytest.raises(StateLost, match=sign) as caught:
        check(study.paths)
    assert "--accept-loss" in str(caught.value)


def test_tables_of_a_longer_journal_are_a_sign(study: Maker) -> None:
    from study.results.parquet import write_tables

    write_tables(study.paths)
    check(study.paths)
    lines = study.paths.journal.read_bytes().splitlines(keepends=True)
    study.paths.journal.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(StateLost, match=r"trials.parquet was made from \d+ bytes of journal"):
        check(study.paths)
