"""A trial of several workers: one attempt, whatever becomes of one of them.

The worker's own class, with its other workers in this process's care, without Ray.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from study.execution.on_ray import worker_place
from study.execution.on_ray.processes import hosts, own_training
from study.execution.on_ray.processes.hosts import ProcessHost
from study.execution.on_ray.processes.own_training import close_nursery
from study.execution.on_ray.tune_worker import TrialWorker
from study.execution.on_ray.worker_protocol import (
    Broken,
    Failed,
    Finished,
    Placed,
    Reported,
    WorkerConfig,
    WorkerMessage,
    seal_config,
)
from study.execution.training_process.channel import Message
from study.execution.training_process.team_process import HostLost
from study.training.recipe.recipe import parse_recipe

WAIT_S = 900
HERE = Path(__file__).parent
HOST = "127.0.0.1"


class NearHost:
    """Keeps a process in this one's care, as an actor would on another node."""

    def __init__(self) -> None:
        self.host = ProcessHost()
        self.is_lost = False

    def begin(self, request: Message) -> None:
        self.host.begin(request)

    def heard(self) -> list[Message]:
        if self.is_lost:
            raise HostLost("its place was lost: the node is gone")
        return self.host.look()

    def tell(self, message: Message) -> None:
        self.host.tell(message)

    def kill(self) -> None:
        self.host.kill()

    def abort(self) -> str:
        return self.host.abort()

    def leave(self, *, is_done: bool) -> None:
        self.host.leave(is_done)

    def await_left(self) -> None:
        pass


class NearHosts:
    def __init__(self) -> None:
        self.hosts: list[NearHost] = []

    def of(self, workers: int, resources: dict[str, float]) -> list[NearHost]:
        while len(self.hosts) < workers - 1:
            self.hosts.append(NearHost())
        return self.hosts[: workers - 1]

    def end(self) -> None:
        for near in self.hosts:
            near.host.close()
        self.hosts.clear()


class Worker:
    """A trial's first worker, which is given one attempt after another."""

    def __init__(self, folder: Path, near: NearHosts) -> None:
        self.folder = folder
        self.near = near
        self._worker: TrialWorker | None = None

    def begin(self, train: str | None, config: Any, **changed: Any) -> None:
        assignment = {
            "trial": 0,
            "attempt": changed.pop("attempt", 1),
            "train": train if train is None or ":" in train else f"shared_trainings:{train}",
            "recipe": config,
            "seed": 0,
            "epochs": None,
            "epochs_reported": changed.pop("reported", 0),
            "seconds_used": 0.0,
            "data_hash": "",
        }
        worker_config: WorkerConfig = {
            "assignment": json.dumps(assignment),
            "checkpoints": str(self.folder / "checkpoints"),
            "stderr": str(self.folder / "stderr.txt"),
            "output": str(self.folder / "output.1.txt"),
            "kept": str(self.folder / "kept"),
            "cpus": 1,
            "gpus": 0,
            "resources": {"CPU": 1},
            "workers": 2,
            "heartbeat_s": 300,
            "hang_without_heartbeat": train is None,
            "limit_s": None,
            "data_dir": None,
            "run": "",
            "poll_s": 0.0,
            "path": [str(HERE)],
            "best_by": None,
            "objectives": ["loss"] if train else [],
        }
        worker_config |= changed  # type: ignore[typeddict-item]
        if self._worker is None:
            self._worker = object.__new__(TrialWorker)  # without Tune's own state
            self._worker.setup(seal_config(worker_config))
        else:
            assert self._worker.reset_config(seal_config(worker_config))

    def step(self) -> list[WorkerMessage]:
        assert self._worker is not None
        messages: list[WorkerMessage] = self._worker.step()["messages"]
        return messages

    def to_its_end(self) -> list[WorkerMessage]:
        said: list[WorkerMessage] = []
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            said += self.step()
            if said and isinstance(said[-1], Finished | Failed | Broken):
                return said
        raise AssertionError("the attempt has not come to an end")

    def stop(self) -> None:
        assert self._worker is not None
        self._worker._leave()

    def cleanup(self) -> None:
        if self._worker is not None:
            self._worker.cleanup()


@pytest.fixture(scope="module")
def near() -> Iterator[NearHosts]:
    """The other workers' places, which the tests share, as trials do."""
    made = NearHosts()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_training, "_hosts", made)
        yield made
    made.end()
    close_nursery()


@pytest.fixture
def worker(tmp_path: Path, near: NearHosts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    for module in (own_training, worker_place):
        monkeypatch.setattr(module, "node_id", lambda: "a node")
    for module in (own_training, hosts):
        monkeypatch.setattr(module, "node_address", lambda: HOST)
    made = Worker(tmp_path, near)
    yield made
    made.stop()
    assert processes_of(near) == []


def processes_of(near: NearHosts) -> list[psutil.Process]:
    """What runs below the nurseries: the attempts' own processes."""
    nurseries = [each._process.pid for each in own_training._nurseries]
    nurseries += [each.host._nursery._process.pid for each in near.hosts if each.host._nursery]
    return [child for pid in nurseries for child in psutil.Process(pid).children(recursive=True)]


def rows(said: list[WorkerMessage]) -> list[Any]:
    return [message.row for message in said if isinstance(message, Reported)]


def failure(said: list[WorkerMessage]) -> Any:
    assert isinstance(said[-1], Failed | Broken)
    return said[-1].failure


def test_all_workers_run_the_function_and_the_first_ones_metrics_count(worker: Worker) -> None:
    worker.begin("averaging", {"epochs": 4}, workers=1)
    alone = worker.to_its_end()
    (worker.folder / "checkpoints").rename(worker.folder / "of-one")
    worker.begin("averaging", {"epochs": 4})
    together = worker.to_its_end()
    placed = together[0]
    assert isinstance(placed, Placed)
    assert placed.place["workers"] == 2
    assert len(rows(together)) == 4
    for row, expected in zip(rows(together), rows(alone), strict=True):
        assert row["loss"] == pytest.approx(expected["loss"], rel=1e-10)
        assert row["weight"] == pytest.approx(expected["weight"], rel=1e-10)
    worker.stop()
    assert (worker.folder / "output.1.txt").read_text() == "I am 0 of 2\n"
    assert (worker.folder / "output.1.worker-1.txt").read_text() == "I am 1 of 2\n"


def test_another_number_of_workers_goes_on_with_an_own_training(worker: Worker) -> None:
    worker.begin("averaging", {"epochs": 6}, workers=1)
    straight = rows(worker.to_its_end())
    (worker.folder / "checkpoints").rename(worker.folder / "of-one")
    worker.begin("averaging", {"epochs": 3}, workers=2)
    first = rows(worker.to_its_end())
    worker.begin("averaging", {"epochs": 6}, workers=1, attempt=2, reported=3)
    then = rows(worker.to_its_end())
    assert [row["epoch"] for row in [*first, *then]] == [1, 2, 3, 4, 5, 6]
    for row, expected in zip([*first, *then], straight, strict=True):
        assert row["loss"] == pytest.approx(expected["loss"], rel=1e-10)


@pytest.mark.parametrize(
    ("how", "failure_class", "message"),
    [
        ("raise", "error", "worker 1 of 2: ValueError: the second one's own mistake"),
        ("memory", "out_of_memory", "worker 1 of 2: CUDA out of memory"),
        ("kill", "node", "worker 1 of 2: its process died of SIGKILL"),
    ],
)
def test_the_failure_is_that_of_the_worker_with_a_reason_of_its_own(
    worker: Worker, how: str, failure_class: str, message: str
) -> None:
    worker.begin("one_fails", {"how": how})
    found = failure(worker.to_its_end())
    assert found.failure_class == failure_class
    assert found.message.startswith(message)


def test_a_hang_is_told_of_the_worker_that_holds_up_the_others(worker: Worker) -> None:
    worker.begin("one_fails", {"how": "hang"}, heartbeat_s=3)
    found = failure(worker.to_its_end())
    assert found.failure_class == "timeout"
    assert "shared_trainings.py" in found.message
    assert "one_fails" in found.message
    assert "time.sleep" not in found.message
    assert "worker 1 of 2" in (worker.folder / "stderr.txt").read_text().partition("\n")[0]


def test_workers_that_do_not_come_together_in_time_are_a_fault_with_its_reason(
    worker: Worker,
) -> None:
    worker.begin("late_module:train", {}, heartbeat_s=3)
    found = failure(worker.to_its_end())
    assert found.failure_class == "node"
    assert found.message == (
        "the trial's 2 workers have not come together within 3 s: nothing was heard of worker 1"
    )


def test_a_worker_whose_place_is_lost_leaves_the_others_with_no_place(worker: Worker) -> None:
    worker.begin("one_fails", {"how": "hang"})
    while not rows(worker.step()):
        pass
    worker.near.hosts[0].is_lost = True
    said = worker.to_its_end()
    worker.near.hosts[0].is_lost = False
    assert isinstance(said[-1], Broken)
    assert said[-1].failure.failure_class == "node"
    assert said[-1].failure.details == {"node_alive": False}


def test_all_workers_are_told_to_stop(worker: Worker, tmp_path: Path) -> None:
    worker.begin("swallows", {"folder": str(tmp_path)})
    while not rows(worker.step()):
        pass
    worker.stop()
    assert (tmp_path / "stopped-0").exists()
    assert (tmp_path / "stopped-1").exists()


def recipe(**changed: Any) -> Any:
    tree = {"model": "mlp", "data": {"name": "digits", "train_images": 200}, "epochs": 2}
    made, faults = parse_recipe(tree | changed)
    assert made is not None, faults
    return made.model_dump(mode="json")


def test_a_recipe_is_trained_by_several_workers_and_gone_on_with_by_one(worker: Worker) -> None:
    worker.begin(None, recipe(), best_by=("val_accuracy", "maximize"))
    said = worker.to_its_end()
    assert [row["epoch"] for row in rows(said)] == [1, 2]
    assert isinstance(said[-1], Finished)
    assert said[-1].stop_reason == "epochs"
    worker.begin(None, recipe(epochs=3), attempt=2, reported=2, workers=1)
    then = worker.to_its_end()
    assert [row["epoch"] for row in rows(then)] == [3]


def test_a_recipe_that_can_not_be_trained_fails_as_with_one_worker(worker: Worker) -> None:
    worker.begin(None, recipe(model="nowhere:factory"))
    found = failure(worker.to_its_end())
    assert found.failure_class == "invalid"
    assert "nowhere" in found.message


def test_a_recipes_training_beats_and_has_its_limits(worker: Worker) -> None:
    worker.begin(None, recipe(epochs=100_000), limit_s=3.0)
    found = failure(worker.to_its_end())
    assert found.failure_class == "timeout"
    assert found.message == "the trial took more than its 0.000833333 hours"
