"""Every file of a study cut, emptied, deleted, bent: recovered, or a named error; never a hang or
silent loss.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from study.errors import JournalDamaged, StateLost
from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.open_study import open_study
from study.execution.run import RunOptions
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.history import History
from study.journal.journal import read_records

from ...taking_up import take_up


def damages() -> Iterator[tuple[str, Callable[[bytes], bytes | None]]]:
    for part in range(16):
        yield f"cut to {part}/16", lambda content, part=part: content[: len(content) * part // 16]
    yield "deleted", lambda content: None
    for part in range(1, 16, 2):
        yield (
            f"bent at {part}/16",
            lambda content, part=part: bent(content, len(content) * part // 16),
        )


def bent(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0x20]) + content[at + 1 :]


FILES = [
    "study.yaml",
    "study.1.yaml",
    "journal/events.jsonl",
    "journal/lock",
    "provenance.json",
    "results/trials.parquet",
    "results/points.parquet",
    "results/epochs/part-00000.parquet",
    "trials/00000.0/checkpoints/attempt-0001-epoch-000006.ckpt",
]


@pytest.mark.parametrize("file", FILES)
def test_a_damaged_file_is_recovered_from_or_named(
    finished: StudyPaths, tmp_path: Path, file: str
) -> None:
    whole = len(read_records(finished.journal))
    for number, (what, damage) in enumerate(damages()):
        paths = StudyPaths(LocalPath(tmp_path / str(number)), "fake")
        shutil.copytree(finished.folder, paths.folder)
        target = paths.folder / file
        content = damage(target.read_bytes()) if target.exists() else None
        target.unlink(missing_ok=True)
        if content is not None:
            target.write_bytes(content)
        found, said = take_up(paths)
        if isinstance(found, History):
            assert len(read_records(paths.journal)) == whole, (
                f"{file} {what}: lost records in silence"
            )
            assert [point.state for point in found.points] == [
                point.state for point in history_of(finished).points
            ]
        else:
            assert isinstance(found, StateLost | JournalDamaged), f"{file} {what}: {found!r}"
            assert str(paths.folder) in str(found)
        if file == "study.yaml" and content != finished.spec.read_bytes():
            assert any("study.yaml" in line for line in said)
            assert paths.spec.read_bytes() == finished.spec.read_bytes()


def history_of(paths: StudyPaths) -> History:
    return History(read_records(paths.journal))


def test_a_torn_last_record_is_cut_and_the_cut_reported(
    finished: StudyPaths, tmp_path: Path
) -> None:
    paths = StudyPaths(LocalPath(tmp_path), "fake")
    shutil.copytree(finished.folder, paths.folder)
    shutil.rmtree(paths.results)
    with paths.journal.open("ab") as file:
        file.write(b'{"n":999,"event":"repor')
    found, said = take_up(paths)
    assert isinstance(found, History)
    assert any("23 bytes cut" in line for line in said)
    assert read_records(paths.journal) == read_records(finished.journal)


def test_loss_is_accepted_where_the_user_says_so(finished: StudyPaths, tmp_path: Path) -> None:
    paths = StudyPaths(LocalPath(tmp_path), "fake")
    shutil.copytree(finished.folder, paths.folder)
    lines = paths.journal.read_bytes().splitlines(keepends=True)
    paths.journal.write_bytes(b"".join(lines[:-5]))
    assert isinstance(take_up(paths)[0], StateLost)
    with (
        RayConnection(None) as idle,
        open_study(paths, RunOptions(accept_loss=True), idle) as controller,
    ):
        assert len(controller.history.points) > 0


def test_files_and_folders_are_their_owners_alone(finished: StudyPaths) -> None:
    for path in finished.folder.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
