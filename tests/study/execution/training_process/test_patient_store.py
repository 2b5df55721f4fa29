"""Checkpoints are waited for where their storage is away."""

from __future__ import annotations

from study.errors import StorageFault
from study.execution.training_process.patient_store import PatientStore


class Unsteady:
    """A store of checkpoints that refuses twice each time."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self._asked = 0

    def refuse(self) -> None:
        self._asked += 1
        if self._asked % 3:
            raise OSError(107, "Transport endpoint is not connected")

    def take_up(self) -> dict[str, int] | None:
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
