"""A driver beside so many live workers, as JSON: its processor time for a trial, and how long an
epoch's way from a worker to its durable record and back takes: ``live_workers.py WORKERS EPOCHS
FOLDER``.

It runs with the ``study`` that Python finds, of today or of an earlier commit. The workers are no processes of their own. Tune places trials on them and calls them as it does any
others, through Ray's own futures, and one Ray actor answers for all of them: so hundreds are live on
two cores. Each says where it is, that it has nothing to say, as often as a worker does, and after a
while that its trial has done its only epoch. The tables are left out, which a driver writes every
half minute.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ray
from ray import tune
from ray.tune.execution import tune_controller

import study
from study.controller.controller import Controller
from study.execution import open_run
from study.execution.live_progress import LiveProgress
from study.execution.on_ray import tune_worker
from study.execution.on_ray.worker_place import node_id
from study.execution.on_ray.worker_protocol import Finished, Placed, Reported
from study.execution.retention import housekeeping
from study.execution.run import ProgressDisplay
from study.spec.load import spec_from_tree
from study.spec.spec import StudySpec
from study.training.runtime.progress import ProgressMark

EPOCHS_A_SECOND = 20
"""So many the workers end together, however many they are: few enough for any driver."""
EPOCHS_MEASURED = 300
ROW = {
    "val_accuracy": 0.5,
    "val_loss": 0.7,
    "train_accuracy": 0.5,
    "train_loss": 0.7,
    "lr": 0.01,
    "seconds": 0.005,
    "train_seconds": 0.004,
    "eval_seconds": 0.001,
}


class Answering(tune.Trainable):
    """What a worker's trial is: epochs that take as long as they are told to."""

    epochs = 1
    seconds = 0.0

    def setup(self, config: dict[str, Any]) -> None:
        """Begin, of today's form or of earlier ones, with one key or many."""
        told = json.loads(config["attempt"]) if "attempt" in config else config
        self.config = {} if "attempt" in config else config
        self._place = {"host": "here", "node": node_id(), "pid": os.getpid(), "device": "cpu"}
        self.poll_s = max(told.get("poll_s", 0.0), tune_worker._POLL_S)
        self._began = time.monotonic()
        self._epoch = 0
        self._reported_at = 0.0
        self._is_placed = False

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.setup(new_config)
        return True

    @property
    def silent_s(self) -> float:
        """How long it has nothing to say from now on: until its epoch ends, as long as it may."""
        if not self._is_placed:
            return 0.0
        return max(0.0, min(self._began + self.seconds - time.monotonic(), self.poll_s))

    def take_wait(self) -> float | None:
        """For how long its latest epoch has waited for an answer, once it has it."""
        reported_at, self._reported_at = self._reported_at, 0.0
        return time.monotonic() - reported_at if reported_at else None

    def step(self) -> dict[str, Any]:
        messages: list[Any] = [] if self._is_placed else [Placed(self._place)]
        self._is_placed = True
        if time.monotonic() - self._began >= self.seconds:
            self._began = self._reported_at = time.monotonic()
            self._epoch += 1
            messages.append(Reported({"epoch": self._epoch, "last": self._is_over, **ROW}))
        if self._is_over:
            self._reported_at = 0.0
            messages.append(Finished("epochs", {}))
        rest = {"done": self._is_over, "progress": ProgressMark(), "held_s": 0.0}
        return {"messages": messages, **rest}

    @property
    def _is_over(self) -> bool:
        return self._epoch == self.epochs


class Host:
    """Has all workers in one process."""

    def __init__(self, epochs: int, seconds: float) -> None:
        Answering.epochs, Answering.seconds = epochs, seconds
        self._workers: dict[int, Answering] = {}
        self._waits: list[float] = []

    async def call(self, number: int, method: str, *args: Any, **options: Any) -> Any:
        if method == "__init__":
            self._workers[number] = Answering(*args, **options)
            return None
        if method.startswith("__"):
            return True
        worker = self._workers[number]
        if method == "train":
            wait = worker.take_wait()
            self._waits += [] if wait is None else [wait]
            await asyncio.sleep(worker.silent_s)
        return getattr(worker, method)(*args, **options)

    async def waits(self) -> list[float]:
        return self._waits


@dataclass
class Method:
    """A worker's method, as a handle of an actor has it."""

    host: Any
    number: int
    name: str

    def remote(self, *args: Any, **options: Any) -> Any:
        return self.host.call.remote(self.number, self.name, *args, **options)


class Handle:
    """What Tune takes for the handle of an actor."""

    def __init__(self, host: Any, number: int) -> None:
        self._host, self._number = host, number

    def __getattr__(self, name: str) -> Method:
        return Method(self._host, self._number, name)

    __ray_ready__ = property(lambda self: Method(self._host, self._number, "__ray_ready__"))
    __ray_terminate__ = property(lambda self: Method(self._host, self._number, "__ray_terminate__"))


class Workers:
    """What Tune takes for a class of actors."""

    def __init__(self, workers: int, epochs: int) -> None:
        hosts = ray.remote(Host).options(num_cpus=0, max_concurrency=10_000)
        self._host = hosts.remote(epochs, workers / EPOCHS_A_SECOND)
        self._count = 0

    def waits(self) -> list[float]:
        """For how long epochs have waited for their answers, in seconds."""
        return list(ray.get(self._host.waits.remote()))

    def remote(self, **options: Any) -> Handle:
        self._count += 1
        handle = Handle(self._host, self._count)
        handle.__getattr__("__init__").remote(**options)
        return handle


class Places(ray.air.execution.ResourceManager):
    """Room for all workers, where Tune asks Ray for a placement group each."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    def request_resources(self, resource_request: Any) -> None:
        pass

    cancel_resource_request = free_resources = request_resources

    def has_resources_ready(self, resource_request: Any) -> bool:
        return True

    def acquire_resources(self, resource_request: Any) -> Any:
        return SimpleNamespace(annotate_remote_entities=lambda entities: [self._workers])

    def get_resource_futures(self) -> list[Any]:
        return []

    def clear(self) -> None:
        pass


@dataclass
class Meter(ProgressDisplay):
    """Notes the driver's processor time and how many trials have ended, from when all workers have
    ended one, and ends the study.
    """

    workers: int
    epochs: int
    made: list[Workers] = field(default_factory=list)
    marks: list[tuple[float, int]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    controller: Controller | None = None

    def begin(self, spec: StudySpec, controller: Controller, live: LiveProgress) -> None:
        self.controller = controller

    def places(self) -> Places:
        self.made.append(Workers(self.workers, self.epochs))
        return Places(self.made[0])

    def tick(self) -> None:
        assert self.controller is not None
        ended = len(self.controller.history.trial_endings)
        if ended < self.workers or self.controller.stopping:
            return
        self.marks.append((time.process_time(), ended))
        if ended - self.marks[0][1] >= max(EPOCHS_MEASURED / self.epochs, self.workers):
            self.waits = self.made[0].waits()
            self.controller.stopping = "interrupted"


def main() -> None:
    workers, epochs, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    meter = Meter(workers, epochs)
    housekeeping.COLLECT_EVERY_S = float("inf")
    open_run.machine_cpus = lambda: 2 * workers  # type: ignore[attr-defined]
    tune_controller.PlacementGroupResourceManager = meter.places
    tune_worker.TrialWorker = Answering  # type: ignore[misc]
    spec = spec_from_tree(
        {
            "study": f"live-{workers}",
            "points": 100_000,
            "sampler": "random",
            "reproducible": False,
            "concurrency": workers,
            "resources": {"cpus": 2},
            "recipe": {"epochs": epochs, "model": "mlp", "data": {"name": "digits"}},
            "space": {"optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}}}},
        }
    )
    study.run(spec, storage=folder, progress=meter)
    (cpu, ended), (cpu_then, ended_then) = meter.marks[-1], meter.marks[0]
    found: dict[str, float] = {"driver_ms": 1000 * (cpu - cpu_then) / (ended - ended_then)}
    if meter.waits:
        found["wait_ms"] = 1000 * statistics.median(meter.waits)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
