"""One trial on a worker: where Ray Tune meets ``train``; trainings know Ray by this file alone.

A worker process is reused from trial to trial. Training runs in a thread of its own and leaves a
message for each finished epoch; Tune's ``step`` hands messages to the driver, and being called
again means that the trial goes on. A step that finds no message returns without one after a while,
so that the driver stays in touch through long epochs. Training that shows no sign of life for too
long is reported as hung, and its process is given up.
"""

from __future__ import annotations

import json
import os
import queue
import socket
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ray import tune

from study.errors import StorageFault
from study.execution.on_ray.awake_clock import process_clock
from study.execution.on_ray.processes.own_training import OwnTraining, close_nursery, end_hosts
from study.execution.on_ray.worker_place import gpu_name, node_id, place_on
from study.execution.on_ray.worker_protocol import (
    Broken,
    Failed,
    Finished,
    Hung,
    Placed,
    Repeated,
    Reported,
    SetAside,
    Waiting,
    WorkerConfig,
    WorkerMessage,
    open_config,
)
from study.execution.training_process.patient_store import PatientStore
from study.files.storage_uri import storage_path
from study.files.visible_text import visible
from study.journal.failure import Failure
from study.journal.journal import PAUSE_S
from study.training.runtime.progress import TrainingProgress

if TYPE_CHECKING:
    from study.training.runtime.failures import TrainingFailure
    from study.training.summary import Outcome

_POLL_S = 2.0
"""How long a step waits for a message, and training for an answer, before they look again."""
_GATHER_S = 0.02
"""How long a message that nobody waits for is held back, so that others may go with it."""
_GIVE_UP_S = 5.0
"""How long a process that has hung has to end by itself."""


class TrialWorker(tune.Trainable):  # type: ignore[misc]  # Ray is not typed
    """Runs one attempt after another; each comes as a WorkerConfig that was sealed."""

    def setup(self, sealed: Mapping[str, str]) -> None:
        """Begin an attempt."""
        config = open_config(sealed)
        self.config: dict[str, Any] = {}  # Tune would send it back with every answer
        self._poll_s = config["poll_s"]
        sys.path += [path for path in config["path"] if path not in sys.path]
        is_own = json.loads(config["assignment"]).get("train") is not None
        has_processes = is_own or config["workers"] > 1
        self._training: _Training | OwnTraining | None
        self._training = OwnTraining(config) if has_processes else _Training(config)

    def reset_config(self, new_config: Mapping[str, str]) -> bool:
        """Begin another attempt in the same process."""
        self._leave()
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Return the messages that there are, and whether they are the attempt's last; none after a
        while without any.
        """
        assert self._training is not None
        deadline = time.monotonic() + self._poll_s
        messages = self._training.next_messages()
        while not messages and time.monotonic() < deadline:
            messages = self._training.next_messages()
        progress = self._training.progress.mark()
        done = any(map(_is_last, messages))
        held_s = self._training.held_s
        return {"messages": messages, "done": done, "progress": progress, "held_s": held_s}

    def set_aside(self) -> None:
        """Have the attempt end with its state saved, as the answer to its latest report."""
        assert self._training is not None
        self._training.set_aside()

    def cleanup(self) -> None:
        """Stop the attempt where it stands."""
        self._leave()
        close_nursery()
        end_hosts()

    def _leave(self) -> None:
        if self._training is not None:
            self._training.stop()
            self._training = None


class _WorkerHung(RuntimeError):
    """Raised to Tune after a hang was reported, so that it gives the process up."""


class _Training:
    """One attempt: ``train`` in a thread, and the messages that it has for the driver."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._assignment = json.loads(config["assignment"])
        self.progress = TrainingProgress()
        self._messages: queue.Queue[WorkerMessage] = queue.Queue()
        self._answers: queue.Queue[bool] = queue.Queue()
        self._answer_is_due = False
        self._is_set_aside = False
        """Whether training is to end with its state saved, so that another attempt goes on."""
        self._epoch = 0
        """The newest epoch that was reported."""
        self._is_stopped = threading.Event()
        self._clock = process_clock()
        self._began = self._clock.now()
        self._last_sign = self._clock.now()
        self._is_hung = False
        self._is_broken = False
        """Whether the process is of no use any more, and waits for the driver to end it."""
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)
        self._thread.start()

    # -- called by Tune --

    @property
    def held_s(self) -> float:
        """For how many seconds the worker has had the attempt."""
        return self._clock.now() - self._began

    def next_messages(self) -> list[WorkerMessage]:
        """Let training go on, and return what it leaves within ``_POLL_S`` seconds, if anything."""
        if self._is_hung:
            threading.Timer(_GIVE_UP_S, os._exit, (1,)).start()
            raise _WorkerHung("the training thread is stuck")
        if self._answer_is_due:
            self._answer_is_due = False
            self._answers.put(not self._is_set_aside)
        try:
            first = self._messages.get(timeout=_POLL_S)
        except queue.Empty:
            return [] if self._is_broken else self._hang_if_silent()
        messages = [first, *self._messages_at_once(first)]
        self._answer_is_due = _awaits_answer(messages[-1])
        return messages

    def _messages_at_once(self, first: WorkerMessage) -> list[WorkerMessage]:
        """Return what follows a message without anyone having to wait for it."""
        messages: list[WorkerMessage] = []
        last = first
        while not _is_last(last) and not _awaits_answer(last):
            try:
                last = self._messages.get(timeout=_GATHER_S)
            except queue.Empty:
                break
            messages.append(last)
        return messages

    def _hang_if_silent(self) -> list[WorkerMessage]:
        """Return a message that training hangs, once it has been silent for too long."""
        silent_s = self._clock.now() - self._last_sign
        if silent_s < self._config["heartbeat_s"] * self.progress.patience:
            return []
        self._is_hung = True
        frame = sys._current_frames().get(self._thread.ident or 0)
        stack = traceback.format_stack(frame) if frame else []
        self._keep_stderr("".join(stack))
        place = stack[-1].strip().splitlines()[0].strip() if stack else "an unknown place"
        message = f"no sign of life for {silent_s:.0f} s, in {place}"
        return [Hung(Failure("timeout", message))]

    def set_aside(self) -> None:
        """Answer the latest report by an order to end, with the state saved."""
        self._is_set_aside = True

    def stop(self) -> None:
        """Stop training where it stands: its last checkpoint is what counts."""
        self._is_stopped.set()
        self._answers.put(False)
        self._thread.join(timeout=self._config["heartbeat_s"])

    # -- in the training thread --

    def _run(self) -> None:
        from study.training.runtime.failures import Stopped, classify, traceback_text

        try:
            outcome = self._train()
        except Stopped:
            return
        except StorageFault as error:
            self._messages.put(Failed(Failure("storage", visible(str(error)))))
            return
        except BaseException as error:
            found = classify(error)
            self._keep_stderr(str(found.details.get("traceback") or traceback_text(error)))
            failure = _failure_of(found)
            if found.ends_process:
                self._is_broken = True
                self._messages.put(Broken(failure, socket.gethostname(), node_id(), gpu_name()))
            else:
                self._messages.put(Failed(failure))
            return
        if outcome.stop_reason != "stopped":
            self._messages.put(Finished(outcome.stop_reason, dict(outcome.summary)))
        elif self._is_set_aside:
            self._messages.put(SetAside(self._epoch))

    def _train(self) -> Outcome:
        import torch

        from study.training.best import BestBy
        from study.training.checkpoint import Checkpoints
        from study.training.loop import train
        from study.training.own.state import SavingPace
        from study.training.recipe.recipe import Recipe
        from study.training.runtime.device import trial_device

        config, assignment = self._config, self._assignment
        torch.set_num_threads(max(1, int(config["cpus"])))
        device = trial_device(config["gpus"], self._heartbeat)
        self._messages.put(Placed(place_on(device)))
        checkpoints = Checkpoints(
            storage_path(config["checkpoints"]),
            assignment["attempt"],
            owner=f"trial {assignment['trial']}",
        )
        return train(
            Recipe.model_validate(assignment["recipe"]),
            device=device,
            report=self._report,
            checkpoint=PatientStore(checkpoints, self._wait_for_storage),
            data_dir=config["data_dir"],
            run=config["run"],
            reported=assignment["epochs_reported"],
            repeated=lambda row: self._messages.put(Repeated(dict(row))),
            heartbeat=self._heartbeat,
            data_hash=assignment["data_hash"],
            progress=self.progress,
            best_by=BestBy(*config["best_by"]) if config["best_by"] else None,
            pace=SavingPace(),
        )

    def _report(self, row: Any) -> bool:
        """Leave a message that an epoch is done; return whether training goes on."""
        self._last_sign = self._clock.now()
        self._epoch = row["epoch"]
        message = Reported(dict(row), has_state=True)
        if message.awaits_answer and row["epoch"] == self._assignment.get("until"):
            self._is_set_aside = True
        self._messages.put(message)
        return self._wait_for_answer() if message.awaits_answer else True

    def _wait_for_answer(self) -> bool:
        goes_on: bool | None = None
        while goes_on is None:
            with suppress(queue.Empty):
                goes_on = self._answers.get(timeout=_POLL_S)
            self._last_sign = self._clock.now()  # waiting for the driver is no hang
        return goes_on and not self._is_stopped.is_set()

    def _wait_for_storage(self, problem: StorageFault) -> None:
        """Wait a moment for a storage that refuses; the driver shows what is waited for."""
        from study.training.runtime.failures import Stopped

        self._messages.put(Waiting(f"paused: {problem}; trying again"))
        deadline = time.monotonic() + PAUSE_S
        while time.monotonic() < deadline:
            self._last_sign = self._clock.now()
            if self._is_stopped.wait(0.1):
                raise Stopped

    def _heartbeat(self) -> None:
        """Note a sign of life; raise where training is to stop, or has used up its time."""
        from study.training.runtime.failures import Stopped, TrainingFailure

        self._last_sign = self._clock.now()
        if self._is_stopped.is_set():
            raise Stopped
        limit_s = self._config["limit_s"]
        used_s = self._assignment["seconds_used"] + self._last_sign - self._began
        if limit_s is not None and used_s > limit_s:
            raise TrainingFailure(
                "timeout", f"the trial took more than its {limit_s / 3600:g} hours", {}
            )

    def _keep_stderr(self, text: str) -> None:
        """Write a traceback into the trial's folder, where a user looks for it."""
        with suppress(Exception):  # a full disk, say, is no second failure
            path = storage_path(self._config["stderr"])
            path.parent.make_folder(levels=1)
            path.write_whole(visible(text))


def _failure_of(found: TrainingFailure) -> Failure:
    """Return a training's failure as the driver hears of it, its texts fit for the journal."""
    details = {
        name: visible(value) if isinstance(value, str) else value
        for name, value in found.details.items()
    }
    return Failure(found.failure_class, visible(found.message), details)


def _awaits_answer(message: WorkerMessage) -> bool:
    return isinstance(message, Reported) and message.awaits_answer


def _is_last(message: WorkerMessage) -> bool:
    """Whether a message ends the attempt: Broken and Hung don't, as Tune would keep the process."""
    return isinstance(message, Finished | Failed | SetAside)
