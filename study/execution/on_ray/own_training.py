"""One attempt at a training of the user's own, in a process of its own beside the worker's.

Whatever becomes of that process, the worker is ready for another trial afterwards.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from contextlib import suppress
from typing import Any

from study.execution.on_ray.awake_clock import process_clock
from study.execution.on_ray.temporary_folder import TemporaryFolder
from study.execution.on_ray.worker_place import gpu_name, node_id, place_of
from study.execution.on_ray.worker_protocol import (
    Broken,
    Failed,
    Finished,
    Placed,
    Repeated,
    Reported,
    SetAside,
    Waiting,
    WorkerConfig,
    WorkerMessage,
)
from study.execution.own_code.hashes import own_code_hash
from study.execution.training_process.training_process import Ending, Nursery, TrainingProcess
from study.files.storage_uri import storage_path
from study.files.visible_text import visible
from study.journal.failure import Failure
from study.training.runtime.progress import TrainingProgress

_POLL_S = 2.0
"""How long a step waits for a message before it looks again."""
_GATHER_S = 0.02
"""How long a message that nobody waits for is held back, so that others may go with it."""
_SET_ASIDE_S = 60.0
"""How long a training function may go on after it was told to end: its state is saved by then."""
_PLACE = re.compile(r'File ".*", line \d+ in .*')
"""A line of a stack as faulthandler writes it."""


_nurseries: list[Nursery] = []
"""The worker's nursery, once one was needed."""


def _living_nursery() -> Nursery:
    if not _nurseries or not _nurseries[-1].is_alive:
        close_nursery()
        _nurseries.append(Nursery())
    return _nurseries[-1]


def close_nursery() -> None:
    """End the worker's nursery, if it has one."""
    while _nurseries:
        _nurseries.pop().close()


class OwnTraining:
    """One attempt: a process, and the messages that it has for the driver."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._assignment: dict[str, Any] = json.loads(config["assignment"])
        self.progress = TrainingProgress()
        self.progress.enter("starting its process")
        self._clock = process_clock()
        self._began = self._clock.now()
        self._last_sign = self._began
        self._is_watched = config["hang_without_heartbeat"]
        """Whether silence counts as a hang."""
        self._answer_is_due = False
        self._is_set_aside = False
        """Whether training is to end with its state saved, so that another attempt goes on."""
        self._epoch = 0
        """The newest epoch that was reported."""
        self._is_over = False
        """Whether the last message was given."""
        self._folder = TemporaryFolder("study-trial-")
        work = self._folder.path / "work"
        work.mkdir(mode=0o700)
        self._process = TrainingProcess(
            _living_nursery(), self._request(str(work)), storage_path(config["output"])
        )

    def _request(self, folder: str) -> dict[str, Any]:
        config, assignment = self._config, self._assignment
        return {
            "kind": "begin",
            "train": assignment["train"],
            "config": assignment["recipe"],
            "seed": assignment["seed"],
            "epochs": assignment["epochs"],
            "attempt": assignment["attempt"],
            "reported": assignment["epochs_reported"],
            "owner": f"trial {assignment['trial']}",
            "checkpoints": config["checkpoints"],
            "kept": config["kept"],
            "folder": folder,
            "data_dir": config["data_dir"],
            "objectives": config["objectives"],
            "best_by": config["best_by"],
            "cpus": config["cpus"],
            "gpus": config["gpus"],
            "path": config["path"],
        }

    @property
    def held_s(self) -> float:
        """For how many seconds the worker has had the attempt."""
        return self._clock.now() - self._began

    def next_messages(self) -> list[WorkerMessage]:
        """Let training go on, and return what it says within ``_POLL_S`` seconds, if anything."""
        if self._answer_is_due:
            self._answer_is_due = False
            self._last_sign = self._clock.now()  # waiting for the driver is no hang
            self._process.answer(not self._is_set_aside)
        if self._is_over:
            time.sleep(_POLL_S)  # it waits for the driver to end it
            return []
        messages: list[WorkerMessage] = []
        wait_s = _POLL_S
        deadline = time.monotonic() + _POLL_S
        while not self._is_over and not self._answer_is_due and time.monotonic() < deadline:
            said = self._process.next_message(wait_s)
            if said is None:
                messages += self._look()
                break
            self._last_sign = self._clock.now()
            heard = self._heard(said)
            if heard:
                messages.append(heard)
                wait_s = _GATHER_S
        if self._is_over:
            self._process.output.write()
        return messages

    def _heard(self, said: dict[str, Any]) -> WorkerMessage | None:
        """Return what the driver is to hear of what the process has said."""
        match said["kind"]:
            case "placed":
                self.progress.begin_epoch(self._assignment["epochs_reported"] + 1, 0)
                place = place_of(said["device"], said.get("device_bytes"), said.get("software", ""))
                place["code"] = self._process.note_code(own_code_hash(self._assignment["train"]))
                return Placed(place)
            case "reported":
                self._answer_is_due = True
                self._epoch = said["row"]["epoch"]
                self.progress.begin_epoch(self._epoch + 1, 0)
                return Reported(said["row"], has_state=said["has_state"])
            case "repeated":
                return Repeated(said["row"])
            case "waiting":
                return Waiting(visible(said["message"]))
            case "beat":
                self._is_watched = True
                return None
            case "finished":
                self._is_over = True
                return Finished(said["stop_reason"], said["summary"])
            case "storage":
                return self._ended_by(Failure("storage", visible(said["message"])))
            case "failed":
                self._keep_stderr(said["traceback"])
                return self._ended_by(_failure(said))
            case "stopped" if self._is_set_aside:
                self._is_over = True
                return SetAside(self._epoch)
            case "stopped":
                return self._ended_by(Failure("error", "training ended as if it had been told to"))
        return None

    def _look(self) -> list[WorkerMessage]:
        """Return what is wrong with a process that says nothing."""
        if self._is_over:
            return []
        if self._process.has_hung_up and not self._process.ends_by_itself():
            self._process.kill()
            message = "the training function closed its process's files: it can't be heard any more"
            return [self._ended_by(Failure("error", message))]
        if self._process.ending:
            traces = self._process.traces()
            if traces:
                self._keep_stderr(traces)
            return [self._ended_by(_failure_of(self._process.ending))]
        limit_s = self._config["limit_s"]
        now = self._clock.now()
        if self._is_set_aside and now - self._last_sign > _SET_ASIDE_S:
            self._process.kill()
            self._is_over = True
            return [SetAside(self._epoch)]
        if limit_s is not None and self._assignment["seconds_used"] + now - self._began > limit_s:
            self._process.kill()
            message = f"the trial took more than its {limit_s / 3600:g} hours"
            return [self._ended_by(Failure("timeout", message))]
        silent_s = now - self._last_sign
        if self._is_watched and silent_s >= self._config["heartbeat_s"]:
            return [self._ended_by(self._hang(silent_s))]
        return []

    def _hang(self, silent_s: float) -> Failure:
        """End a process that hangs; return that as a failure."""
        stack = self._process.abort()
        self._keep_stderr(stack)
        found = _PLACE.search(stack.partition("Current thread")[2] or stack)
        place = found[0] if found else "an unknown place"
        return Failure("timeout", visible(f"no sign of life for {silent_s:.0f} s, in {place}"))

    def _ended_by(self, failure: Failure) -> WorkerMessage:
        self._is_over = True
        if failure.failure_class == "device":
            return Broken(failure, socket.gethostname(), node_id(), gpu_name())
        return Failed(failure)

    def set_aside(self) -> None:
        """Answer the latest report by an order to end, with the state saved."""
        self._is_set_aside = True

    def stop(self) -> None:
        """End the attempt where it stands: its last checkpoint is what counts."""
        if not self._is_over:
            self._process.answer(False)
        self._process.leave(is_done=self._is_over)
        self._folder.remove()

    def _keep_stderr(self, text: str) -> None:
        """Write a traceback into the trial's folder, where a user looks for it."""
        with suppress(Exception):  # a full disk, say, is no second failure
            path = storage_path(self._config["stderr"])
            path.parent.make_folder(levels=1)
            path.write_whole(visible(text))


def _failure(said: dict[str, Any]) -> Failure:
    """Return a training's failure as the driver hears of it, its texts fit for the journal."""
    details = {
        name: visible(value) if isinstance(value, str) else value
        for name, value in said["details"].items()
    }
    return Failure(said["class"], visible(said["message"]), details)


def _failure_of(ending: Ending) -> Failure:
    """Return what it means that a process ended before its training did."""
    details = {"exit_code": ending.exit_code, "peak_bytes": ending.peak_bytes}
    if ending.exit_code >= 0:
        message = (
            f"the training function ended its process, with exit code {ending.exit_code}, before it"
            " returned"
        )
        return Failure("error", message, details)
    died = f"its process died of {_signal_name(-ending.exit_code)}"
    if ending.exit_code != -signal.SIGKILL:
        return Failure("error", died, details)
    if ending.is_memory_kill:
        message = f"the machine's memory ran out: {died}, with {ending.peak_bytes / 2**30:.1f} GiB"
        return Failure("out_of_memory", message, details)
    return Failure("node", f"{died}, sent by another", {**details, "node_alive": True})


def _signal_name(number: int) -> str:
    try:
        return f"{signal.Signals(number).name} ({signal.strsignal(number)})"
    except ValueError:
        return f"signal {number}"
