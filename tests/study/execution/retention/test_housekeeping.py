"""What a driver does between results: requests, checkpoints, tables."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest

from study.controller.controller import Controller
from study.controller.next_work import Assignment
from study.errors import Superseded
from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.open_study import open_study
from study.execution.retention import housekeeping
from study.execution.retention.checkpoint_retention import CheckpointRetention
from study.execution.retention.housekeeping import Housekeeping
from study.execution.run import RunOptions
from study.files import requests
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.journal.events import SpecAdopted
from study.journal.history import History
from study.journal.spec_versions import begin, sha256_hex, supersede_earlier_drivers
from study.spec.load import load_spec

from ...fake_cluster import Storage, controller_on, drive, outcome, small_spec


@pytest.fixture
def paths(tmp_path: Path) -> StudyPaths:
    return StudyPaths(LocalPath(tmp_path), "fake")


@pytest.fixture
def controller() -> Controller:
    return controller_on(Storage(), small_spec())


def test_tables_that_cannot_be_written_while_a_study_runs_are_a_line_and_no_fault(
    controller: Controller, paths: StudyPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "COLLECT_EVERY_S", 0.0)
    said: list[str] = []

    def full(paths: StudyPaths, history: History) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("study.results.parquet.write_tables", full)

    house = Housekeeping(controller, paths, said.append)
    house.tick()
    house.close()
    assert said == [f"the tables in {paths.results} can't be written now (No space left on device)"]


def test_tables_of_a_running_study_are_written_anew_where_something_was_recorded(
    controller: Controller, paths: StudyPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "COLLECT_EVERY_S", -1.0)
    written: list[int] = []

    def noted(paths: StudyPaths, history: History) -> None:
        written.append(history.journal_bytes)

    monkeypatch.setattr("study.results.parquet.write_tables", noted)
    house = Housekeeping(controller, paths, lambda line: None)
    for size in (100, 100, 200):
        controller.history.journal_bytes = size
        house.tick()
    assert written == [100, 200]


class _Removals:
    """A driver's looks on an object store, by a clock of their own, and what they remove."""

    def __init__(self, paths: StudyPaths, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        self.made: list[int] = []
        """How many trials had ended at each removal."""
        clock = SimpleNamespace(monotonic=lambda: self.seconds)
        monkeypatch.setattr(housekeeping, "time", clock)
        monkeypatch.setattr(requests, "EVERY_S", float("inf"))
        monkeypatch.setattr(housekeeping, "COLLECT_EVERY_S", float("inf"))

        def noted(retention: CheckpointRetention, history: History) -> None:
            self.made.append(len(history.trial_endings))

        monkeypatch.setattr(CheckpointRetention, "remove_unneeded", noted)
        self.controller = controller_on(Storage(), small_spec(points=20))
        self._house = Housekeeping(self.controller, paths, lambda line: None)
        self.look()

    def look(self, *, after_s: float = 0.1, ended: bool = False) -> list[int]:
        self.seconds += after_s
        if ended:
            running = self.controller.next()
            assert isinstance(running, Assignment)
            self.controller.stop_trial(running.trial)
        self._house.tick()
        return self.made


def test_a_store_is_asked_to_remove_checkpoints_when_no_worker_waits_for_its_next_trial(
    bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = StudyPaths(bucket, "fake")
    begin(paths, small_spec())
    monkeypatch.setattr(housekeeping, "check_no_newer", lambda *journal: None)
    removals = _Removals(paths, monkeypatch)
    for _ in range(3):
        removals.look(after_s=5.0)
    assert removals.made == [0], "the first look's"
    assert removals.look(ended=True) == [0]
    assert removals.look(ended=True) == [0]
    assert removals.look() == [0, 2]
    removals.made.clear()
    for _ in range(30):
        removals.look(after_s=0.5)
    for _ in range(9):
        removals.look(after_s=0.5, ended=True)
    assert removals.made == [6, 10], "where one ends in each look, every two seconds"


def test_a_superseded_driver_removes_nothing_from_a_store(
    bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = StudyPaths(bucket, "fake")
    begin(paths, small_spec())
    answers: list[Exception] = [OSError("the store is away"), Superseded("another driver")]

    def says(*journal: object) -> None:
        raise answers.pop(0)

    monkeypatch.setattr(housekeeping, "check_no_newer", lambda *journal: None)
    removals = _Removals(paths, monkeypatch)
    monkeypatch.setattr(housekeeping, "check_no_newer", says)
    removals.look(ended=True)
    for _ in range(10):
        removals.look()
    assert len(answers) == 1, "a store that is away is left alone for a while"
    with pytest.raises(Superseded):
        removals.look(after_s=2.0)
    assert removals.made == [0]


def test_checkpoints_in_a_folder_are_removed_at_once(
    paths: StudyPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    removals = _Removals(paths, monkeypatch)
    assert removals.look(ended=True) == [0, 1], "so that they leave their room on a full disk"


def test_requests_are_carried_out_and_told(
    controller: Controller, paths: StudyPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "EVERY_S", -1.0)
    said: list[str] = []
    house = Housekeeping(controller, paths, said.append)
    running = controller.next()
    assert isinstance(running, Assignment)
    values = {"optimizer.name": "sgd", "optimizer.lr": 0.5}
    requests.post(paths, {"do": "add", "values": values})
    requests.post(paths, {"do": "stop_trial", "trial": running.trial})
    requests.post(paths, {"do": "stop_trial", "trial": running.trial})
    house.tick()
    assert said == ["added point 1", "trial 0 stopped", "trial 0 has ended already"]
    assert controller.history.points[1].values == values
    assert controller.history.trials[0].state == "PRUNED"
    assert not controller.stopping
    requests.post(paths, {"do": "drop", "point": 1})
    requests.post(paths, {"do": "drop", "point": 2})
    house.tick()
    refusal = "a request is refused: there is no point 2; the study has 2, from 0"
    assert said[3:] == ["dropped point 1", refusal]
    assert controller.history.points[1].is_dropped
    requests.post(paths, {"do": "stop"})
    house.tick()
    house.tick()
    assert said[5:] == ["asked to stop"]
    assert controller.stopping == "interrupted"
    assert [request.do for request in requests.waiting(paths)] == ["stop"], "it is not over yet"
    house.forget_stops()
    assert requests.waiting(paths) == []


def test_a_request_that_came_to_nothing_stays_where_another_driver_has_the_study(
    controller: Controller, paths: StudyPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = controller.next()
    assert isinstance(running, Assignment)
    controller.stop_trial(running.trial)  # as this driver sees it; the other one may not
    requests.post(paths, {"do": "stop_trial", "trial": running.trial})

    def refuse() -> None:
        raise Superseded("another driver has the study")

    house = Housekeeping(controller, paths, lambda line: None, refuse)
    with pytest.raises(Superseded):
        house.answer_requests()
    assert [request.do for request in requests.waiting(paths)] == ["stop_trial"]


def test_a_superseded_driver_on_a_store_refuses_nothing(bucket: ObjectPath) -> None:
    paths = StudyPaths(bucket, "fake")
    begin(paths, small_spec(concurrency=1))
    said: list[str] = []
    with RayConnection(None) as idle, open_study(paths, RunOptions(), idle) as controller:
        house = Housekeeping(controller, paths, said.append)
        requests.post(paths, {"do": "drop", "point": 7})
        house.answer_requests()
        assert requests.waiting(paths) == []
        supersede_earlier_drivers(paths)
        requests.post(paths, {"do": "drop", "point": 0})
        with pytest.raises(Superseded):
            house.answer_requests()
    assert said[0] == "a request is refused: there is no point 7; the study has 0, from 0"
    assert [request.point for request in requests.waiting(paths)] == [0]


def test_a_request_stays_until_what_it_asks_for_is_on_record(
    controller: Controller, paths: StudyPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(values: object, request: str) -> int:
        raise Superseded("another driver has the study")

    house = Housekeeping(controller, paths, lambda line: None)
    requests.post(paths, {"do": "add", "values": {"optimizer.name": "sgd"}})
    monkeypatch.setattr(controller, "add_point", refuse)
    with pytest.raises(Superseded):
        house.answer_requests()
    assert [request.do for request in requests.waiting(paths)] == ["add"]


def test_requests_that_make_no_sense_are_told_and_take_no_other_with_them(
    controller: Controller, paths: StudyPaths
) -> None:
    said: list[str] = []
    house = Housekeeping(controller, paths, said.append)
    paths.requests.make_folder()
    (paths.requests / "0.json").write_whole("[]")
    (paths.requests / "00.json").write_whole('{"do": "stop_trial", "trial": "x"}')
    requests.post(paths, {"do": "add", "values": {"no.such.key": 1}})
    requests.post(paths, {"do": "add", "values": {"optimizer.name": "sgd", "optimizer.lr": 0.5}})
    house.answer_requests()
    assert [line.split(":")[0] for line in said] == [
        "a request that makes no sense is ignored",
        "a request that makes no sense is ignored",
        "a request is refused",
        "added point 0",
    ]
    assert requests.waiting(paths) == []


def test_a_point_that_a_killed_driver_had_added_is_not_added_again(
    paths: StudyPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "EVERY_S", -1.0)
    storage, spec = Storage(), small_spec()
    killed = controller_on(storage, spec)
    values = {"optimizer.name": "sgd", "optimizer.lr": 0.5}
    requests.post(paths, {"do": "add", "values": values})
    with monkeypatch.context() as patch:
        patch.setattr(requests, "discard", lambda done: None)  # it is killed before that
        Housekeeping(killed, paths, lambda line: None).tick()
    assert killed.history.user_points == 1
    successor = controller_on(storage, spec)
    Housekeeping(successor, paths, lambda line: None).tick()
    assert successor.history.user_points == 1
    assert requests.waiting(paths) == []


def test_a_trial_that_never_was_is_not_said_to_have_ended(
    controller: Controller, paths: StudyPaths
) -> None:
    said: list[str] = []
    controller.next()
    requests.post(paths, {"do": "stop_trial", "trial": 99})
    Housekeeping(controller, paths, said.append).answer_requests()
    assert said == ["a request is refused: there is no trial 99; the study has 1, from 0"]


def extending(tmp_path: Path, **changes: Any) -> tuple[Controller, Housekeeping, list[str]]:
    """A study in a folder, its driver, and what that says."""
    paths = StudyPaths(LocalPath(tmp_path), "fake")
    begin(paths, small_spec(**changes))
    controller = controller_on(Storage(), load_spec(paths.spec))  # which holds its defaults
    text = paths.spec.read_bytes()
    paths.spec_version(1).write_whole(text)
    controller.record(SpecAdopted(version=1, hash=sha256_hex(text), changes=[]))
    said: list[str] = []
    return controller, Housekeeping(controller, paths, said.append), said


def test_a_running_study_is_extended_and_goes_on_as_if_it_had_been_asked_for_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "EVERY_S", -1.0)
    controller, house, said = extending(tmp_path, points=6)
    paths = StudyPaths(LocalPath(tmp_path), "fake")
    drive(controller)
    assert controller.is_nothing_left()
    requests.post(paths, {"do": "extend", "points": 10})
    house.tick()
    assert said == ["extended: points: 6 -> 10"]
    assert load_spec(paths.spec).points == 10
    assert controller.history.specs[-1].version == 2
    drive(controller)
    straight = controller_on(Storage(), small_spec(points=10))
    drive(straight)
    assert outcome(controller) == outcome(straight)
    requests.post(paths, {"do": "extend", "points": 10})
    requests.post(paths, {"do": "extend", "points": 4})
    house.tick()
    assert said[1] == "the study has these points and seeds already"
    assert said[2].startswith("a request is refused: study fake can't be extended like this:")


def test_an_extension_that_comes_late_takes_back_no_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "EVERY_S", -1.0)
    controller, house, said = extending(tmp_path, points=3, pruner="none")
    paths = StudyPaths(LocalPath(tmp_path), "fake")
    for points in (8, 7):
        requests.post(paths, {"do": "extend", "points": points})
        house.tick()
    assert said == ["extended: points: 3 -> 8", "the study has these points and seeds already"]
    requests.post(paths, {"do": "extend", "points": 7, "replicates": 2})
    house.tick()
    assert said[2] == "extended: replicates: 1 -> 2"
    assert controller.spec.points == load_spec(paths.spec).points == 8


def test_a_running_study_takes_another_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "EVERY_S", -1.0)
    controller, house, said = extending(tmp_path, points=3)
    paths = StudyPaths(LocalPath(tmp_path), "fake")
    requests.post(paths, {"do": "share", "weight": 3})
    house.tick()
    assert controller.spec.share == load_spec(paths.spec).share == 3
    requests.post(paths, {"do": "share", "weight": 3})
    requests.post(paths, {"do": "share", "weight": -3})
    house.tick()
    assert said[:2] == ["share: 1 -> 3", "the study's share is 3 already"]
    assert said[2].startswith("a request that makes no sense is ignored")


def test_an_extension_waits_while_the_study_file_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "EVERY_S", -1.0)
    _, house, said = extending(tmp_path, points=3)
    paths = StudyPaths(LocalPath(tmp_path), "fake")
    requests.post(paths, {"do": "extend", "points": 4})
    read = LocalPath.open_binary

    def away(self: LocalPath) -> BinaryIO:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(LocalPath, "open_binary", away)
    house.tick()
    assert said == []
    monkeypatch.setattr(LocalPath, "open_binary", read)
    house.tick()
    assert said == ["extended: points: 3 -> 4"]


def test_a_running_study_gets_more_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "EVERY_S", -1.0)
    controller, house, said = extending(tmp_path, points=3, pruner="none")
    drive(controller)
    paths = StudyPaths(LocalPath(tmp_path), "fake")
    requests.post(paths, {"do": "extend", "replicates": 2})
    house.tick()
    assert said == ["extended: replicates: 1 -> 2"]
    drive(controller)
    assert [point.seeds for point in controller.history.points] == [(0, 1)] * 3
