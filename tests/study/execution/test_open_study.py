"""A study is taken up from its folder: a new one, one that was driven before, one for a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from study.errors import Superseded, UserError
from study.execution import open_study as open_study_module
from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.open_study import open_study, resolve_concurrency, start_session
from study.execution.run import RunOptions
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.journal.history import History
from study.journal.journal import Journal, read_records
from study.results.parquet import write_tables
from study.spec.spec import StudySpec

from ..fake_cluster import small_spec


@pytest.fixture
def paths(tmp_path: Path) -> StudyPaths:
    return StudyPaths(LocalPath(tmp_path), "fake")


def write(paths: StudyPaths, spec: StudySpec) -> None:
    paths.folder.make_folder()
    paths.spec.write_whole(spec.yaml())


@pytest.fixture
def unused() -> Iterator[RayConnection]:
    with RayConnection(None) as connection:
        yield connection


def kinds(paths: StudyPaths) -> list[str]:
    return [record["event"] for record in read_records(paths.journal)]


def test_a_new_studys_journal_is_begun_once(paths: StudyPaths, unused: RayConnection) -> None:
    write(paths, small_spec())
    for _ in range(2):
        with open_study(paths, RunOptions(), unused) as controller:
            assert controller.spec == small_spec()
            assert not controller.history.sessions
    assert kinds(paths) == ["created", "spec"]
    assert read_records(paths.journal)[0]["start"] == "spread"
    assert paths.spec_version(1).read_bytes() == paths.spec.read_bytes()


def test_each_driver_leaves_its_mark(paths: StudyPaths, unused: RayConnection) -> None:
    write(paths, small_spec())
    for number in (1, 2):
        with open_study(paths, RunOptions(), unused) as controller:
            start_session(controller, paths)
            assert [session.number for session in controller.history.sessions][-1] == number
    assert kinds(paths) == ["created", "spec", "opened", "opened"]
    assert paths.provenance.exists()


class Cluster(RayConnection):
    """A cluster of two nodes that counts how often it is asked."""

    asked = 0

    def node_resources(self) -> list[dict[str, float]]:
        self.asked += 1
        return [{"CPU": 4}, {"CPU": 3}]


def test_a_driver_that_stood_still_while_another_one_drove_is_superseded_not_told_of_a_loss(
    bucket: ObjectPath, unused: RayConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = StudyPaths(bucket, "fake")
    write(paths, small_spec())
    with open_study(paths, RunOptions(), unused):
        pass
    read = open_study_module.open_journal

    def slow(paths: StudyPaths, history: History) -> Journal:
        journal = read(paths, history)
        monkeypatch.undo()
        with open_study(paths, RunOptions(), unused) as other:
            start_session(other, paths)
            write_tables(paths, history=other.history)
        return journal

    monkeypatch.setattr(open_study_module, "open_journal", slow)
    with (
        pytest.raises(Superseded, match="another driver has taken the study over"),
        open_study(paths, RunOptions(), unused),
    ):
        pass


def test_what_depends_on_a_cluster_is_decided_when_it_is_reached_first(paths: StudyPaths) -> None:
    write(paths, small_spec(concurrency=None, resources={"cpus": 2}))
    cluster = Cluster("head:6379")
    for _ in range(2):
        with open_study(paths, RunOptions(), cluster) as controller:
            assert controller.spec.concurrency == 3
    assert cluster.asked == 1
    assert kinds(paths) == ["created", "spec", "resolved"]


def test_a_study_says_itself_how_many_run_at_once_or_as_many_as_there_is_room_for() -> None:
    nodes = [{"CPU": 4.0}]
    assert resolve_concurrency(small_spec(concurrency=9), nodes, "here").concurrency == 9
    assert resolve_concurrency(small_spec(concurrency=None), nodes, "here").concurrency == 4
    with pytest.raises(UserError, match="and here has 4 CPUs"):
        resolve_concurrency(small_spec(resources={"cpus": 5}), nodes, "here")
