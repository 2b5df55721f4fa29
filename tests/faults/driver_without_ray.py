"""The ``study`` command with workers of this file in Ray's place: ``python driver_without_ray.py
run FILE …``.

The command line, the lock, the journal, the controller, requests, tables are the project's own.
Workers are told what to do by the real controller, take random times over it, and report the curve
of the fake cluster; they make no checkpoints, so an attempt goes on behind the last epoch that was
reported.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])

from study.controller.controller import Controller
from study.controller.next_work import Assignment, NothingLeft
from study.execution.on_ray import ray_runtime, tune_executor
from study.execution.retention import housekeeping
from study.journal import journal
from tests.study.fake_cluster import curve

EPOCH_S = "STUDY_EPOCH_S"
"""The environment variable with the mean time of an epoch."""
COLLECT_EVERY_S = 0.5
"""Tables are made this often, as they would be in a study that takes longer than a test."""
PAUSE_S = 0.2
"""How long the journal waits before it tries again, so that a test waits no longer."""
LOOK_S = 0.01


def nominal_cost(recipe: Any) -> float:
    """What an epoch costs on the virtual clock, without counting operations, which needs torch."""
    return 1.0 if recipe.optimizer.name == "sgd" else 1.5


@dataclass
class Worker:
    """One that is at work on an assignment."""

    assignment: Assignment
    epoch: int
    """The epoch that it is in."""
    due: float

    def go_on(self, epoch_s: float) -> None:
        self.due = time.monotonic() + random.expovariate(1 / epoch_s)

    @property
    def is_done(self) -> bool:
        return self.epoch > self.assignment.recipe["epochs"]


def execute(
    controller: Controller,
    options: Any,
    tick: Callable[[], None],
    say: Callable[[str], None],
    live: Any,
) -> None:
    """Run the controller's assignments until it has none left or stops."""
    workers: list[Worker] = []
    epoch_s = float(os.environ.get(EPOCH_S, "0.05"))
    while not controller.stopping:
        tick()
        nothing_left = hire(controller, workers, options.concurrency, epoch_s)
        if nothing_left and not workers:
            return
        for worker in [each for each in workers if each.due <= time.monotonic()]:
            hear(controller, worker)
            worker.go_on(epoch_s)
        workers = [each for each in workers if controller.is_wanted(*held_by(each))]
        time.sleep(LOOK_S)


def hire(controller: Controller, workers: list[Worker], most: int, epoch_s: float) -> bool:
    """Give free workers something to do; whether nothing is left to start, now or later."""
    while len(workers) < most:
        with controller.together():
            assignment = controller.next()
        if not isinstance(assignment, Assignment):
            return isinstance(assignment, NothingLeft)
        worker = Worker(assignment, assignment.epochs_reported + 1, 0.0)
        worker.go_on(epoch_s)
        place = {"host": "here", "node": "n", "pid": os.getpid(), "device": "cpu"}
        controller.placed(*held_by(worker), place)
        workers.append(worker)
    return False


def hear(controller: Controller, worker: Worker) -> None:
    """Take a worker's word that it has finished its epoch, or its training."""
    assignment, held = worker.assignment, held_by(worker)
    with controller.together():
        if not worker.is_done:
            recipe = {**assignment.recipe, "point": assignment.point}
            last = worker.epoch == assignment.recipe["epochs"]
            row = {"epoch": worker.epoch, "last": last, **curve(recipe, worker.epoch)}
            controller.reported(*held, row)
            worker.epoch += 1
        if worker.is_done:
            controller.finished(*held, "epochs", {"parameters": 10})


def held_by(worker: Worker) -> tuple[int, int]:
    return worker.assignment.trial, worker.assignment.attempt


def put_in_rays_place() -> None:
    """Have the study's driver call this file where it would call Ray and torch."""
    cost = ModuleType("study.training.cost")
    cost.nominal_cost = nominal_cost  # type: ignore[attr-defined]
    sys.modules[cost.__name__] = cost
    replace(tune_executor, "load_tune", lambda: None)
    replace(tune_executor, "execute_trials", execute)
    replace(ray_runtime.RayConnection, "connect", lambda *args, **options: None)
    replace(ray_runtime.RayConnection, "node_resources", lambda self: [{"CPU": 8.0}])
    replace(housekeeping, "COLLECT_EVERY_S", COLLECT_EVERY_S)
    replace(housekeeping, "_COLLECT_PAUSE", 1)
    replace(journal, "PAUSE_S", PAUSE_S)


def replace(owner: Any, name: str, value: Any) -> None:
    """Put ``value`` in the place of something that is there; AttributeError where it isn't."""
    patch.object(owner, name, value).start()


if __name__ == "__main__":
    put_in_rays_place()
    from study.cli import main

    main()
