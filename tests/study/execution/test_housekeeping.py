"""What a driver does between results: requests, checkpoints, tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.controller.controller import Controller
from study.controller.next_work import Assignment
from study.execution import housekeeping
from study.execution.housekeeping import Housekeeping
from study.files import requests
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.history import History

from ..fake_cluster import Storage, controller_on, small_spec


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
    requests.post(paths, {"do": "stop"})
    house.tick()
    assert said[-1] == "asked to stop"
    assert controller.stopping == "interrupted"
    assert requests.take(paths) == []
