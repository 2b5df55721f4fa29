"""A worker: takes its time over epochs, saves checkpoints by the project's own code, and says what
the project's own workers say.

The curve that it learns is a function of recipe, seed and epoch alone.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from study.errors import StorageFault
from study.execution.on_ray.worker_protocol import (
    Failed,
    Finished,
    Hung,
    Placed,
    Reported,
    SetAside,
    Waiting,
    WorkerMessage,
)
from study.execution.training_process.patient_store import PatientStore
from study.files.storage import StoragePath
from study.journal.events import Placement
from study.journal.failure import Failure
from study.journal.journal import PAUSE_S
from study.training.checkpoint import Checkpoints

from ..seen import TRAINING_FAILURE
from ..witness import Witness
from .faults import Faults
from .world import Event, Process, World

FAILURES = ["error", "out_of_memory", "diverged", "invalid", "data", "device", "timeout"]
"""Classes of failures of a training's own."""


class Stopped(Exception):
    """The training is to stop where it stands."""


def subject_of(recipe: dict[str, Any]) -> str:
    """What a recipe's curve depends on, as a text."""
    return json.dumps({**recipe, "epochs": None, "accumulation": None}, sort_keys=True)


def row_of(subject: str, epoch: int, step: float) -> dict[str, Any]:
    """An epoch's figures; accuracy is rounded to multiples of ``step``, so that values tie."""
    height = _height(subject)
    noise = random.Random(f"{subject} {epoch}").gauss(0, 0.02)
    accuracy = height * (1 - math.exp(-epoch / 2)) + noise
    return {
        "epoch": epoch,
        "val_accuracy": round(round(accuracy / step) * step, 9),
        "val_loss": round(1 / (epoch + height), 9),
        "seconds": float(epoch),
    }


@lru_cache(maxsize=256)
def _height(subject: str) -> float:
    """What the accuracy of a recipe comes to in the long run."""
    return random.Random(subject).uniform(0.4, 0.9)


class Worker:
    """One attempt at one trial, as a process of its own."""

    def __init__(
        self,
        world: World,
        faults: Faults,
        assignment: dict[str, Any],
        checkpoints: StoragePath,
        say: Callable[[list[WorkerMessage]], None],
        witness: Witness,
        *,
        step: float,
        pace_s: float,
    ) -> None:
        self.assignment = assignment
        self._answered = Event(world)
        """Set once the driver has taken what the worker waits with, and lets the trial go on."""
        self._awaited: list[WorkerMessage] = []
        """What the worker has said and waits for the answer to."""
        self.is_stopped = False
        self.is_set_aside = False
        """Whether the training is to end after what it has said last."""
        self.process: Process | None = None
        self.began = world.now
        self.ended = math.inf
        """When it has ended, in seconds of the world."""
        self.on_cut_off: Callable[[], None] = lambda: None
        """Called when the driver takes the worker for lost, though it lives on."""
        self._world = world
        self._faults = faults
        self._checkpoints = checkpoints
        self._say = say
        self._witness = witness
        self._step = step
        self._pace_s = pace_s

    def run(self) -> None:
        """Train; called as the process."""
        try:
            self._train()
        except Stopped:
            return
        except StorageFault as error:
            self._say([Failed(Failure("storage", str(error)))])
        finally:
            self.ended = self._world.now

    def _train(self) -> None:
        world, assignment = self._world, self.assignment
        world.sleep(world.chance.uniform(0.1, 1.0))
        self._say([Placed(self._place())])
        if self.is_stopped:
            raise Stopped
        trial, attempt = assignment["trial"], assignment["attempt"]
        store = PatientStore(
            Checkpoints(self._checkpoints, attempt, owner=f"trial {trial}"), self._wait
        )
        newest = self._witness.states.newest_saved(trial)
        state = store.latest()
        rows: list[dict[str, Any]] = list(state["rows"]) if state else []
        self._witness.states.check_restored(assignment, len(rows), newest)
        epochs: int = assignment["recipe"]["epochs"]
        subject = subject_of(assignment["recipe"])
        for row in rows[assignment["epochs_reported"] :]:
            self._report_row(row, is_last=row["epoch"] >= epochs)
        while len(rows) < epochs:
            self._spend_an_epoch()
            row = row_of(subject, len(rows) + 1, self._step)
            rows.append(row)
            store.save(len(rows), {"rows": list(rows)})
            self._witness.states.note_saved(trial, attempt, len(rows))
            if len(rows) > assignment["epochs_reported"]:
                self._report_row(row, is_last=len(rows) >= epochs)
        self._say([Finished("epochs", {"parameters": 10, "test_accuracy": 0.5})])

    def _spend_an_epoch(self) -> None:
        world, faults = self._world, self._faults
        world.sleep(self._pace_s * world.chance.lognormvariate(0, 0.7))
        if self.is_stopped:
            raise Stopped
        if faults.happens(faults.worker_death):
            world.kill(world.process, "worker killed")
        if faults.happens(faults.node_death):
            faults.lose_host(world.process.host)
        if faults.happens(faults.training_failure):
            failure = Failure(faults.chance.choice(FAILURES), TRAINING_FAILURE)
            world.count(f"training failed: {failure.failure_class}")
            self._say([Failed(failure)])
            raise Stopped
        if faults.happens(faults.hanging):
            world.count("worker hangs")
            if faults.chance.random() < 0.5:
                self._report([Hung(Failure("timeout", "no sign of life"))])
                world.kill(world.process, "hung worker gives up")
            world.sleep(faults.chance.choice([200.0, 1000.0]))
        if faults.happens(faults.cut_off):
            world.count("worker cut off")
            self.on_cut_off()

    def _report_row(self, row: dict[str, Any], *, is_last: bool) -> None:
        message = Reported({**row, "last": is_last}, has_state=True)
        if is_last:
            self._say([message])
        else:
            self._report([message])
            self._make_way(row["epoch"])

    def _make_way(self, epoch: int) -> None:
        """End after an epoch where that is asked for, or the trial waits: its state is saved."""
        if self.is_set_aside or epoch == self.assignment["until"]:
            self._say([SetAside(epoch)])
            raise Stopped

    def _report(self, messages: list[WorkerMessage]) -> None:
        """Say something, and wait until the driver lets the training go on."""
        self._answered.clear()
        self._awaited = messages
        self._say(messages)
        self._answered.wait()
        if self.is_stopped:
            raise Stopped

    def _wait(self, problem: StorageFault) -> None:
        self._say([Waiting(f"paused: {problem}; trying again")])
        self._world.sleep(PAUSE_S)
        if self.is_stopped:
            raise Stopped

    def _place(self) -> Placement:
        process = self._world.process
        return Placement(
            host=process.host.name, node=process.host.name, pid=process.pid, device="cpu"
        )

    def stop(self) -> None:
        """Have the training end where it stands."""
        self.is_stopped = True
        self._answered.set()

    def answer(self, messages: list[WorkerMessage]) -> None:
        """Let the trial go on after what its worker has said, unless it has said more since."""
        if messages is self._awaited:
            self._answered.set()
