"""One attempt in processes of its own beside the worker's: at a training of the user's own, and at
any training that has several workers.

Whatever becomes of those processes, the worker is ready for another trial afterwards.
"""

from __future__ import annotations

import json
import re
import socket
import time
from contextlib import suppress
from typing import Any

from study.execution.on_ray.awake_clock import process_clock
from study.execution.on_ray.processes.hosts import Hosts, node_address
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
from study.execution.training_process.endings import failure_of
from study.execution.training_process.team_process import TeamProcess
from study.execution.training_process.training_process import Nursery, TrainingProcess
from study.files.storage_uri import storage_path
from study.files.visible_text import visible
from study.journal.failure import Failure
from study.training.runtime.progress import ToldProgress

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


_hosts = Hosts()
"""Where the other workers of this one's trials are."""


def end_hosts() -> None:
    """End what this worker has begun for others."""
    _hosts.end()


class OwnTraining:
    """One attempt: a process, and the messages that it has for the driver."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._assignment: dict[str, Any] = json.loads(config["assignment"])
        self.progress = ToldProgress()
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
        self._process = self._begun(str(work))

    def _begun(self, folder: str) -> TrainingProcess | TeamProcess:
        """Begin the attempt's process, or those of all its workers."""
        config = self._config
        request, output = self._request(folder), storage_path(config["output"])
        if config["workers"] == 1:
            return TrainingProcess(_living_nursery(), request, output)
        request |= {"host": node_address()}
        hosts = _hosts.of(config["workers"], config["resources"])
        first = TrainingProcess(_living_nursery(), request, output)
        return TeamProcess(first, hosts, request, config["heartbeat_s"])

    def _request(self, folder: str) -> dict[str, Any]:
        config, assignment = self._config, self._assignment
        return {
            "kind": "begin",
            "train": assignment.get("train"),
            "config": assignment["recipe"],
            "seed": assignment.get("seed", 0),
            "epochs": assignment.get("epochs"),
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
            "data_hash": assignment.get("data_hash", ""),
            "run": config["run"],
            "output": config["output"],
            "rank": 0,
            "workers": config["workers"],
            "host": "",
            "join_s": config["heartbeat_s"],
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
        else:  # a training that says a lot has its time, too
            messages += self._end_if_over_time()
        return messages

    def _heard(self, said: dict[str, Any]) -> WorkerMessage | None:
        """Return what the driver is to hear of what the process has said."""
        match said["kind"]:
            case "placed":
                self.progress.begin_epoch(self._assignment["epochs_reported"] + 1, 0)
                place = place_of(said["device"], said.get("device_bytes"), said.get("software", ""))
                if self._assignment.get("train") is not None:
                    own_code = own_code_hash(self._assignment["train"])
                    place["code"] = self._process.note_code(own_code)
                if self._config["workers"] > 1:
                    place["workers"] = self._config["workers"]
                return Placed(place)
            case "reported":
                self._epoch = said["row"]["epoch"]
                self.progress.begin_epoch(self._epoch + 1, 0)
                reported = Reported(said["row"], has_state=said["has_state"])
                self._answer_is_due = reported.awaits_answer
                if self._answer_is_due and self._epoch == self._assignment.get("until"):
                    self._is_set_aside = True
                return reported
            case "repeated":
                return Repeated(said["row"])
            case "waiting":
                return Waiting(visible(said["message"]))
            case "beat":
                self._is_watched = True
                if "progress" in said:
                    self.progress.hear(said["progress"])
                return None
            case "finished":
                self._is_over = True
                return Finished(said["stop_reason"], said["summary"])
            case "storage":
                return self._ended_by(Failure("storage", visible(said["message"])))
            case "failed":
                self._keep_stderr(said["traceback"] or f"{said['message']}\n")
                ended = self._ended_by(_failure(said))
                if said.get("is_host_lost") and isinstance(ended, Failed):
                    return _broken(ended.failure)  # its place has lost a part that never comes back
                return ended
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
            return [self._ended_by(failure_of(self._process.ending))]
        silent_s = self._clock.now() - self._last_sign
        if self._is_set_aside and silent_s > _SET_ASIDE_S:
            self._process.kill()
            self._is_over = True
            return [SetAside(self._epoch)]
        if self._is_watched and silent_s >= self._config["heartbeat_s"]:
            return [self._ended_by(self._hang(silent_s))]
        return []

    def _end_if_over_time(self) -> list[WorkerMessage]:
        """End a trial that has used up its time, and return that as a message."""
        limit_s = self._config["limit_s"]
        used_s = self._assignment["seconds_used"] + self._clock.now() - self._began
        if limit_s is None or used_s <= limit_s:
            return []
        self._process.kill()
        message = f"the trial took more than its {limit_s / 3600:g} hours"
        return [self._ended_by(Failure("timeout", message))]

    def _hang(self, silent_s: float) -> Failure:
        """End a process that hangs; return that as a failure."""
        stack = self._process.abort()
        self._keep_stderr(stack)
        found = _PLACE.search(stack.partition("Current thread")[2] or stack)
        place = found[0] if found else "an unknown place"
        return Failure("timeout", visible(f"no sign of life for {silent_s:.0f} s, in {place}"))

    def _ended_by(self, failure: Failure) -> WorkerMessage:
        self._is_over = True
        return _broken(failure) if failure.failure_class == "device" else Failed(failure)

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


def _broken(failure: Failure) -> Broken:
    return Broken(failure, socket.gethostname(), node_id(), gpu_name())


def _failure(said: dict[str, Any]) -> Failure:
    """Return a training's failure as the driver hears of it, its texts fit for the journal."""
    details = {
        name: visible(value) if isinstance(value, str) else value
        for name, value in said["details"].items()
    }
    return Failure(said["class"], visible(said["message"]), details)
