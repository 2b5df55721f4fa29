"""A study and its mirror in TensorBoard's files: number by number the journal's, each once."""

from __future__ import annotations

import shutil
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from study.errors import UserError
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.inspection.export.mirrors.mirror import Mirror
from study.inspection.export.mirrors.targets import _tracking_uri, target_of
from study.journal.history import History
from study.journal.journal import read_records

Numbers = Counter[tuple[int, str, int, float]]
"""Trial, metric, epoch and value, and how often each is there."""


def in_events(folder: Path) -> Numbers:
    """All scalars in the event files of a study's mirror."""
    from tensorboardX.proto.event_pb2 import Event  # type: ignore[import-untyped]

    found: Numbers = Counter()
    for file in folder.rglob("events.*"):
        trial = int(file.parent.name.removeprefix("trial-"))
        data, at = file.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            event = Event.FromString(data[at + 12 : at + 12 + length])
            at += 16 + length
            for value in event.summary.value:
                if value.HasField("simple_value") and not value.tag.startswith("end/"):
                    found[trial, value.tag, event.step, round(value.simple_value, 5)] += 1
    return found


def in_journal(paths: StudyPaths) -> Numbers:
    """All figures of all epochs that count."""
    found: Numbers = Counter()
    for trial in History(read_records(paths.journal)).trials:
        for row in trial.rows:
            figures = {k: v for k, v in row.items() if k not in ("epoch", "attempt", "time")}
            for name, value in figures.items():
                found[trial.number, name, row["epoch"], round(_as_float32(value), 5)] += 1
    return found


def _as_float32(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def mirrored(paths: StudyPaths, to: Path) -> Numbers:
    with target_of(f"tensorboard:{to}", paths.name) as target:
        Mirror(paths, target).bring_up_to_date()
    return in_events(to / paths.name)


def test_a_finished_study_is_mirrored_number_by_number_and_once(
    finished: StudyPaths, tmp_path: Path
) -> None:
    there = mirrored(finished, tmp_path)
    assert there == in_journal(finished)
    assert set(there.values()) == {1}
    assert mirrored(finished, tmp_path) == there, "again: nothing twice"
    points = {path.name for path in (tmp_path / finished.name).iterdir() if path.is_dir()}
    history = History(read_records(finished.journal))
    assert points == {f"point-{point.number:05d}" for point in history.points if point.trials}


def test_a_mirror_that_follows_goes_on_wherever_either_side_is_killed(
    mixed: Any, tmp_path: Path
) -> None:
    whole = mixed.paths
    lines = whole.journal.read_bytes().splitlines(keepends=True)
    storage = tmp_path / "copies"
    shutil.copytree(whole.folder, storage / whole.name)
    paths = StudyPaths(LocalPath(storage), whole.name)
    local = paths.journal.local_path()
    assert local is not None
    target, mirror = None, None
    for end in range(3, len(lines) + 7, 7):
        torn = lines[end][:9] if end < len(lines) else b""
        local.write_bytes(b"".join(lines[:end]) + torn)  # the driver is killed within a record
        if mirror is None or end % 3 == 0:  # the mirror before was killed: nothing of it is closed
            target = target_of(f"tensorboard:{tmp_path / 'there'}", whole.name)
            mirror = Mirror(paths, target)
        mirror.bring_up_to_date()
        there = in_events(tmp_path / "there" / whole.name)
        assert there == in_journal(paths)
    assert target is not None
    target.close()
    assert in_events(tmp_path / "there" / whole.name) == in_journal(whole)


def test_epochs_that_were_cut_back_are_not_in_the_mirror(make: Any, tmp_path: Path) -> None:
    study = make()
    trial = study.start(study.point({"optimizer.name": "adam", "optimizer.lr": 0.1}), 0)
    for epoch in (1, 2, 3):
        study.report(trial, epoch, 0.5)
    with target_of(f"tensorboard:{tmp_path}", study.paths.name) as target:
        mirror = Mirror(study.paths, target)
        mirror.bring_up_to_date()
        study.prune(trial, 1)
        mirror.bring_up_to_date()
    there = in_events(tmp_path / study.paths.name)
    assert {epoch for _, _, epoch, _ in there} == {1}
    assert there == in_journal(study.paths)


def test_another_study_of_that_name_has_a_place_of_its_own(make: Any, tmp_path: Path) -> None:
    first, second = make(), make(name="other")
    mirrored(first.paths, tmp_path / "there")
    shutil.move(tmp_path / "there" / first.paths.name, tmp_path / "there" / "other")
    with pytest.raises(UserError, match="is the mirror of another study of that name"):
        mirrored(second.paths, tmp_path / "there")


@pytest.mark.parametrize(
    ("rest", "uri"),
    [
        ("", None),
        ("//host:5000", "http://host:5000"),
        ("///data/runs", "file:/data/runs"),
        ("https://host", "https://host"),
        ("sqlite:///x.db", "sqlite:///x.db"),
    ],
)
def test_mlflow_is_named_by_its_server_or_by_its_own_address(rest: str, uri: str | None) -> None:
    assert _tracking_uri(rest) == uri


def test_a_place_that_is_none_is_a_mistake() -> None:
    with pytest.raises(UserError, match=r"--to: must be one of mlflow://HOST:PORT \|"):
        target_of("neptune", "s")
