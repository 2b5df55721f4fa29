"""An attempt's own process: runs the training function, and says what comes of it."""

from __future__ import annotations

import atexit
import ctypes
import faulthandler
import logging
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict

import torch

from study.errors import StorageFault
from study.execution.training_process.channel import Channel, ChannelClosed, Message
from study.execution.training_process.module_import import load_and_look
from study.execution.training_process.patient_store import PatientStore
from study.files.storage_uri import storage_path
from study.journal.journal import PAUSE_S
from study.training.best import BestBy
from study.training.checkpoint import Checkpoints
from study.training.own.run import train_function
from study.training.recipe.metric_catalog import Direction
from study.training.runtime.device import gpu_software, trial_device
from study.training.runtime.failures import Stopped, TrainingFailure, classify
from study.training.runtime.progress import TrainingProgress
from study.training.runtime.team.joining import find_meeting_point, join, open_meeting_point
from study.training.runtime.team.place import Place
from study.training.runtime.team.team import Alone, Team

_BEAT_S = 0.5
"""Heartbeats in between say nothing new."""

_attempts: list[_Attempt] = []
"""The attempt, whose connection stays open until all that runs at a process's end has run."""


class Request(TypedDict):
    """What an attempt's process is to do, as JSON."""

    kind: str
    train: str | None
    """The training function; None of a recipe's training."""
    config: dict[str, Any]
    """What the function is given, or the recipe."""
    seed: int
    epochs: int | None
    attempt: int
    reported: int
    owner: str
    """Whose checkpoints they are."""
    checkpoints: str
    kept: str
    folder: str
    """The session's."""
    data_dir: str | None
    objectives: list[str]
    best_by: tuple[str, Direction] | None
    cpus: float
    gpus: float
    path: list[str]
    data_hash: str
    run: str
    rank: int
    workers: int
    host: str
    """The address by which other workers reach this node."""
    join_s: float
    """How long the workers may take to come together."""


def run_attempt(request: Message, descriptors: list[int]) -> None:
    """Train in this process, which ends afterwards as any process does: its threads are waited for,
    and what was registered to run at its end runs.
    """
    atexit.register(_leave)
    talk, output, traces = descriptors
    _take_streams(output)
    faulthandler.enable(os.fdopen(traces, "wb", closefd=False))
    sys.argv = [request["train"] or "train"]
    sys.path += [path for path in request["path"] if path not in sys.path]
    attempt = _Attempt(request, Channel(socket.socket(fileno=talk)))
    _attempts.append(attempt)
    process = os.getpid()
    last_word = attempt.run()
    if os.getpid() != process:
        os._exit(0)  # the function has forked, and this is the other one
    attempt.say(last_word)
    attempt.is_done = True


def _leave() -> None:
    """End without taking every loaded library down, which takes seconds and can only go wrong."""
    logging.shutdown()
    with suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)  # what C code has printed
    os._exit(0 if _attempts and _attempts[-1].is_done else 1)


def _take_streams(output: int) -> None:
    """Let everything that is printed, by whatever, go to ``output``; and read nothing."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = open(  # noqa: SIM115
            descriptor, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _Attempt:
    """One attempt, in a conversation with its worker."""

    def __init__(self, request: Message, talk: Channel) -> None:
        self._request = request
        self._talk = talk
        self._last_beat = float("-inf")
        self._has_state = False
        """Whether the epoch that is reported next has a state."""
        self._progress = TrainingProgress()
        self._store: Any = None
        """Where workers find each other: it lasts as long as the first one does."""
        self.is_done = False
        """Whether the last word was said."""

    def run(self) -> Message:
        """Train; return what is the last to be said of it."""
        try:
            outcome = self._train()
        except (Stopped, ChannelClosed):
            return {"kind": "stopped"}
        except StorageFault as error:
            return {"kind": "storage", "message": str(error)}
        except TrainingFailure as failure:
            return _failed(failure)
        except BaseException as error:
            return _failed(classify(error))
        if outcome.stop_reason == "stopped":
            return {"kind": "stopped"}
        return {
            "kind": "finished",
            "stop_reason": outcome.stop_reason,
            "summary": dict(outcome.summary),
        }

    def say(self, message: Message) -> None:
        """Tell the worker, if it is still there."""
        try:
            self._talk.send(message)
        except ChannelClosed:
            os._exit(1)

    def _train(self) -> Any:
        request = self._request
        torch.set_num_threads(max(1, int(request["cpus"])))
        device = trial_device(request["gpus"])
        self.say({"kind": "placed"} | _device_figures(device))
        checkpoints = Checkpoints(
            storage_path(request["checkpoints"]), request["attempt"], owner=request["owner"]
        )
        if request["train"] is None:
            return self._train_recipe(device, checkpoints)
        function, can_be_forked = load_and_look(request["train"])
        self.say({"kind": "loaded", "can_be_forked": can_be_forked})
        team = self._join(device)
        return train_function(
            function,
            request["config"],
            seed=request["seed"],
            device=device,
            report=self._report,
            checkpoint=PatientStore(checkpoints, self._wait_for_storage),
            reported=request["reported"],
            heartbeat=self._heartbeat,
            repeated=self._repeat,
            note_state=self._note_state,
            objectives=tuple(request["objectives"]),
            epochs=request["epochs"],
            best_by=BestBy(*request["best_by"]) if request["best_by"] else None,
            attempt=request["attempt"],
            data_dir=request["data_dir"],
            folder=Path(request["folder"]),
            kept=storage_path(request["kept"]),
            team=team,
        )

    def _train_recipe(self, device: str, checkpoints: Checkpoints) -> Any:
        from study.training.loop import train
        from study.training.own.state import SavingPace
        from study.training.recipe.recipe import Recipe

        request = self._request
        team = self._join(device)
        return train(
            Recipe.model_validate(request["config"]),
            device=device,
            report=self._report,
            checkpoint=PatientStore(checkpoints, self._wait_for_storage),
            data_dir=request["data_dir"],
            run=request["run"],
            reported=request["reported"],
            repeated=self._repeat,
            heartbeat=self._heartbeat,
            data_hash=request["data_hash"],
            progress=self._progress,
            best_by=BestBy(*request["best_by"]) if request["best_by"] else None,
            pace=SavingPace(),
            team=team,
        )

    def _join(self, device: str) -> Team:
        """Come together with the attempt's other workers, if it has some."""
        request = self._request
        place = Place(request["rank"], request["workers"])
        if place.workers == 1:
            return Alone()
        host, join_s = request["host"], request["join_s"]
        if place.is_first:
            self._store = open_meeting_point(host, place.workers, join_s)
            self.say({"kind": "meeting", "address": [host, self._store.port]})
        else:
            told = self._talk.receive()
            if told is None or "address" not in told:
                raise Stopped
            self._store = find_meeting_point(tuple(told["address"]), place, join_s)
        team = join(self._store, place, torch.device(device), host, join_s)
        self.say({"kind": "joined"})
        return team

    def _report(self, row: Any) -> bool:
        """Say that an epoch is done; return whether training goes on."""
        has_state = self._has_state or self._request["train"] is None
        self._has_state = False
        self.say({"kind": "reported", "row": row, "has_state": has_state})
        return True if row["last"] else self._answer(None)

    def _note_state(self) -> None:
        """Note that there is a state of the epoch that is reported next."""
        self._has_state = True

    def _heartbeat(self) -> None:
        """Say that training goes on, and that silence means something from now on."""
        if time.monotonic() - self._last_beat >= _BEAT_S:
            self._last_beat = time.monotonic()
            self.say({"kind": "beat"} | self._progress_told())
            self._check()

    def _progress_told(self) -> Message:
        """Return how far a recipe's training is; of a function that isn't known."""
        if self._request["train"] is not None:
            return {}
        return {"progress": asdict(self._progress.mark())}

    def _repeat(self, row: Any) -> None:
        """Say what has come of an epoch that the worker knows."""
        self.say({"kind": "repeated", "row": row})
        self._check()

    def _wait_for_storage(self, problem: StorageFault) -> None:
        """Wait a moment for a storage that refuses; the driver shows what is waited for.

        There is no answer to this: only an order to stop is heard meanwhile.
        """
        self.say({"kind": "waiting", "message": f"paused: {problem}; trying again"})
        if not self._answer(PAUSE_S):
            raise Stopped

    def _check(self) -> None:
        if not self._answer(0):
            raise Stopped

    def _answer(self, timeout_s: float | None) -> bool:
        """Return the worker's next word on whether to go on; without one, it does."""
        try:
            answer = self._talk.receive(timeout_s)
        except ChannelClosed:
            return False
        return answer is None or bool(answer["goes_on"])


def _failed(failure: TrainingFailure) -> Message:
    return {
        "kind": "failed",
        "class": failure.failure_class,
        "message": failure.message,
        "details": failure.details,
        "traceback": failure.details.get("traceback", f"{failure}\n"),
    }


def _device_figures(device: str) -> Message:
    """Return the device as the journal has it."""
    if device != "cuda":
        return {"device": "cpu"}
    found = torch.cuda.get_device_properties(device)
    software = gpu_software(torch.device(device))
    return {"device": found.name, "device_bytes": found.total_memory, "software": software}
