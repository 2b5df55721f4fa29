"""The spec that a study goes by is the file whose hash the journal gives, whatever lies there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.errors import StateLost, StudyFileChanged, Superseded
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.files.storage import StoragePath
from study.journal import spec_versions
from study.journal.events import SpecAdopted, StudyCreated
from study.journal.history import History
from study.journal.journal import Journal, read_records
from study.journal.spec_versions import (
    current_spec,
    extend,
    extended,
    open_journal,
    recorded_spec,
    sha256_hex,
    stored_spec_file,
    supersede_earlier_drivers,
    version_file,
)
from study.spec.load import load_spec
from study.spec.spec import StudySpec

from ..fake_cluster import small_spec


def begin(storage: StoragePath, **changes: object) -> StudyPaths:
    """A study that was created, and has done nothing yet."""
    paths, spec = StudyPaths(storage, "fake"), small_spec(**changes)
    text = spec.with_recorded_defaults().yaml()
    paths.folder.make_folder()
    paths.spec.write_whole(text)
    paths.spec_version(1).write_whole(text)
    journal = open_journal(paths)
    created = StudyCreated(
        study="fake", format=1, reproducible=True, concurrency=2, seeds="whole", time=1.0
    )
    adopted = SpecAdopted(version=1, hash=sha256_hex(text), changes=[], time=1.0)
    journal.append(created.to_record(), adopted.to_record())
    journal.close()
    return paths


@pytest.fixture
def paths(tmp_path: Path) -> StudyPaths:
    return begin(LocalPath(tmp_path), points=4)


def history_of(paths: StudyPaths) -> History:
    return History(read_records(paths.journal))


def test_a_changed_copy_is_written_anew_and_told_of(paths: StudyPaths) -> None:
    content = paths.spec.read_bytes()
    paths.spec.write_whole("study: changed")
    assert stored_spec_file(paths) == paths.spec_version(1)
    said: list[str] = []
    assert current_spec(paths, history_of(paths), said.append).points == 4
    assert len(said) == 1
    assert said[0].startswith("study.yaml was not what the study runs by")
    assert paths.spec.read_bytes() == content


def test_who_looks_goes_by_the_recorded_spec_and_is_warned(paths: StudyPaths) -> None:
    text = paths.spec.read_text()
    assert recorded_spec(paths, history_of(paths)).points == 4
    paths.spec.write_whole(text.replace("maximize", "minimize"))
    with pytest.warns(StudyFileChanged, match=r"goes by version 1 \(study.1.yaml\)"):
        spec = recorded_spec(paths, history_of(paths))
    assert [objective.direction for objective in spec.objectives] == ["maximize"]
    paths.spec_version(1).write_whole(text.replace("maximize", "minimize"))
    with pytest.warns(StudyFileChanged, match="goes by it all the same"):
        spec = recorded_spec(paths, history_of(paths))
    assert [objective.direction for objective in spec.objectives] == ["minimize"]


def test_a_spec_of_which_no_copy_is_whole_is_lost(paths: StudyPaths) -> None:
    for copy in (paths.spec, paths.spec_version(1)):
        copy.write_whole("study: changed")
    with pytest.raises(StateLost, match="the spec of fake is lost"):
        stored_spec_file(paths)


def test_an_extension_is_the_next_version_in_files_and_journal(paths: StudyPaths) -> None:
    extend(paths, load_spec(paths.spec, points=9))
    (_, second) = history_of(paths).specs
    assert second.version == 2
    for path in (paths.spec, paths.spec_version(2)):
        assert sha256_hex(path.read_bytes()) == second.hash
        assert load_spec(path).points == 9
    assert load_spec(paths.spec_version(1)).points == 4


def test_of_a_study_that_has_no_record_yet_the_study_file_is_what_it_goes_by(
    paths: StudyPaths,
) -> None:
    nothing = History()
    assert extended(paths, nothing, {"points": 9}).points == 9
    assert extended(paths, nothing, {}).points == 4


def test_what_changes_nothing_is_no_version(paths: StudyPaths) -> None:
    extend(paths, None)
    extend(paths, load_spec(paths.spec))
    assert [spec.version for spec in history_of(paths).specs] == [1]


def test_where_there_are_locks_nobody_is_superseded(paths: StudyPaths) -> None:
    before = paths.journal.read_bytes()
    supersede_earlier_drivers(paths)
    assert paths.journal.read_bytes() == before


def test_on_an_object_store_an_earlier_driver_is_superseded(bucket: ObjectPath) -> None:
    paths = begin(bucket)
    earlier = Journal.open(paths.journal)
    supersede_earlier_drivers(paths)
    with pytest.raises(Superseded):
        earlier.append({"event": "told", "point": 0})
    assert read_records(paths.journal)[-1]["event"] == "taken"


def test_an_extension_leaves_the_file_of_one_that_came_first(
    bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of two drivers on a store without locks, of which the later one is quicker."""
    paths = begin(bucket, points=4)
    seven, nine = (load_spec(paths.spec, points=points) for points in (7, 9))
    whole = spec_versions.check_extension

    def meanwhile(old: StudySpec, new: StudySpec, history: History) -> None:
        monkeypatch.setattr(spec_versions, "check_extension", whole)
        extend(paths, nine)
        whole(old, new, history)

    monkeypatch.setattr(spec_versions, "check_extension", meanwhile)
    with pytest.raises(Superseded):
        extend(paths, seven)
    assert load_spec(paths.spec_version(2)).points == 9
    assert load_spec(paths.spec).points == 9


def test_an_extension_leaves_the_file_of_one_that_no_listing_shows_yet(
    bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = begin(bucket, points=4)
    before = history_of(paths)
    seven, nine = (load_spec(paths.spec, points=points) for points in (7, 9))
    whole = spec_versions.check_extension

    def meanwhile(old: StudySpec, new: StudySpec, history: History) -> None:
        monkeypatch.setattr(spec_versions, "check_extension", whole)
        extend(paths, nine)
        monkeypatch.setattr(spec_versions, "read_history", lambda journal: before)

    monkeypatch.setattr(spec_versions, "check_extension", meanwhile)
    with pytest.raises(Superseded):
        extend(paths, seven)
    monkeypatch.undo()
    paths.spec.write_whole("study: changed")
    assert load_spec(stored_spec_file(paths)).points == 9


def test_without_locks_what_lies_in_a_version_s_place_stays(bucket: ObjectPath) -> None:
    paths = begin(bucket, points=4)
    paths.spec_version(2).write_whole("study: half")
    extend(paths, load_spec(paths.spec, points=9))
    assert paths.spec_version(2).read_text() == "study: half"
    paths.spec.write_whole("study: changed")
    with pytest.warns(StudyFileChanged, match=r"goes by version 2 \(study\.2\.[0-9a-f]{16}\.yaml"):
        assert recorded_spec(paths, history_of(paths)).points == 9
    said: list[str] = []
    assert current_spec(paths, history_of(paths), said.append).points == 9
    assert [line.split(" was not")[0] for line in said] == ["study.yaml"]
    assert load_spec(paths.spec).points == 9
    assert paths.spec_version(2).read_text() == "study: half"


@pytest.mark.parametrize("forged", [5, None, "x/../../../elsewhere"])
def test_a_hash_that_is_none_leads_nowhere(paths: StudyPaths, forged: Any) -> None:
    (adopted,) = history_of(paths).specs
    assert version_file(paths, adopted) == paths.spec_version(1)
    assert version_file(paths, replace(adopted, hash=forged)) is None


def test_what_is_left_of_an_extension_that_never_came_to_be_is_written_over(
    paths: StudyPaths,
) -> None:
    paths.spec_version(2).write_whole("study: half")
    extend(paths, load_spec(paths.spec, points=9))
    assert load_spec(paths.spec_version(2)).points == 9
