"""What a driver and a worker do while the storage is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.errors import StorageFault
from study.execution import housekeeping
from study.execution.housekeeping import Housekeeping
from study.execution.tune_worker import PatientStore
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.history import History

from ..fake_cluster import Storage, controller_on, small_spec


class Unsteady:
    """A store of checkpoints that refuses twice each time."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self._asked = 0

    def refuse(self) -> None:
        self._asked += 1
        if self._asked % 3:
            raise OSError(107, "Transport endpoint is not connected")

    def latest(self) -> dict[str, int] | None:
        self.refuse()
        return {"epoch": self.kept[-1]} if self.kept else None

    def save(self, epoch: int, state: dict[str, int]) -> None:
        self.refuse()
        self.kept.append(epoch)


def test_a_worker_waits_for_its_checkpoints_and_takes_no_storage_that_is_away_for_an_empty_one() -> (
    None
):
    waited: list[StorageFault] = []
    store = PatientStore(Unsteady(), waited.append)
    store.save(1, {})
    assert store.latest() == {"epoch": 1}
    assert len(waited) == 4
    assert "not connected" in str(waited[0])


def test_tables_that_cannot_be_written_while_a_study_runs_are_a_line_and_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "COLLECT_EVERY_S", 0.0)
    said: list[str] = []

    def full(paths: StudyPaths, history: History) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("study.results.parquet.collect", full)

    controller = controller_on(Storage(), small_spec())
    house = Housekeeping(controller, StudyPaths(LocalPath(tmp_path), "fake"), said.append)
    house.tick()
    house.close()
    assert said == [
        f"the tables in {tmp_path / 'fake' / 'results'} can't be written now (No space left on"
        " device)"
    ]
