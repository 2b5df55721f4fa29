"""One trial on a worker: where Ray Tune meets ``train``. The only file through which Ray enters a
trial.

A worker process is reused from trial to trial. Training runs in a thread of its own and hands each
finished epoch over as a message; Tune's ``step`` delivers messages to the driver, and being called
again means that the trial goes on. A step that finds no message returns empty-handed after a while,
so that the driver stays in touch through long epochs; training that shows no sign of life for too
long is reported as hung and its process is given up.
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
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ray import tune

from study.errors import StorageFault
from study.files.storage_uri import storage_path
from study.journal.journal import PATIENCE_S, PAUSE_S

_POLL_S = 2.0
_SLACK = 0.8
"""So much of its share of a GPU's memory a trial must find: drivers and libraries take some of
everybody's.
"""
_GATHER_S = 0.02
"""How long a message that nobody waits for is held back, so that others may go with it."""
Message = tuple[str, dict[str, Any]]


class TrialWorker(tune.Trainable):  # type: ignore[misc]  # Ray is not typed
    """Runs one assignment after another; its config holds the assignment and the study's settings
    for workers.
    """

    def setup(self, config: dict[str, Any]) -> None:
        sys.path[:0] = [path for path in config["path"] if path not in sys.path]
        self._training: _Training | None = _Training(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._leave()
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        assert self._training is not None
        messages = self._training.messages()
        return {
            "messages": messages,
            "done": any(kind in ("finished", "failed") for kind, _ in messages),
        }

    def cleanup(self) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._training is not None:
            self._training.leave()
            self._training = None


class _Hung(RuntimeError):
    """Raised to Tune after a hang was reported, so that it gives the process up."""


class _Training:
    """One attempt: ``train`` in a thread, and the messages that it has for the driver."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._assignment = json.loads(config["assignment"])
        self._messages: queue.Queue[Message] = queue.Queue()
        self._answers: queue.Queue[bool] = queue.Queue()
        self._asked = False
        self._left = threading.Event()
        self._beat = time.monotonic()
        self._began = time.monotonic()
        self._hung = False
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)
        self._thread.start()

    # --- the worker's side ---

    def messages(self) -> list[Message]:
        """What training has to say, waiting for it up to POLL_S seconds; answers what was said last
        with "go on".
        """
        if self._hung:
            threading.Timer(5.0, os._exit, (1,)).start()
            raise _Hung("the training thread is stuck")
        if self._asked:
            self._asked = False
            self._answers.put(True)
        try:
            first = self._messages.get(timeout=_POLL_S)
        except queue.Empty:
            return self._hang_found()
        said = [first]
        while said[-1][0] not in ("finished", "failed") and not _awaits_answer(said[-1]):
            try:
                said.append(self._messages.get(timeout=_GATHER_S))
            except queue.Empty:
                break
        self._asked = _awaits_answer(said[-1])
        return said

    def _hang_found(self) -> list[Message]:
        silent_s = time.monotonic() - self._beat
        if silent_s < self._config["heartbeat_s"]:
            return []
        self._hung = True
        frame = sys._current_frames().get(self._thread.ident or 0)
        where = traceback.format_stack(frame) if frame else []
        self._keep_stderr("".join(where))
        place = where[-1].strip().splitlines()[0].strip() if where else "an unknown place"
        message = f"no sign of life for {silent_s:.0f} s, in {place}"
        # not "failed", which would end the trial and keep the process: the next step gives it up
        return [("hung", {"class": "timeout", "message": message, "details": {}})]

    def leave(self) -> None:
        """Stop training where it stands: its last checkpoint is what counts."""
        self._left.set()
        self._answers.put(False)
        self._thread.join(timeout=self._config["heartbeat_s"])

    # --- the training thread's side ---

    def _run(self) -> None:
        from study.training.runtime.failures import Stopped, classify

        try:
            self._train()
        except Stopped:
            pass
        except StorageFault as error:
            self._say("failed", {"class": "storage", "message": str(error), "details": {}})
        except BaseException as error:
            failure = classify(error)
            self._keep_stderr(traceback.format_exc())
            self._say(
                "failed",
                {
                    "class": failure.failure_class,
                    "message": failure.message,
                    "details": dict(failure.details),
                },
            )

    def _train(self) -> None:
        import torch

        from study.training.best import BestBy
        from study.training.checkpoint import Checkpoints
        from study.training.loop import train
        from study.training.recipe.recipe import Recipe

        config, assignment = self._config, self._assignment
        torch.set_num_threads(max(1, int(config["cpus"])))
        device = pick_device(config["gpus"])
        self._say("placed", _placement(device))
        outcome = train(
            Recipe.model_validate(assignment["recipe"]),
            device=device,
            report=self._report,
            checkpoint=PatientStore(
                Checkpoints(storage_path(config["checkpoints"]), assignment["attempt"]),
                self._wait_for_storage,
            ),
            data_dir=config["data_dir"],
            reported=assignment["epochs_reported"],
            heartbeat=self._heartbeat,
            best_by=BestBy(*config["best_by"]) if config["best_by"] else None,
        )
        if outcome.stop_reason != "stopped":
            self._say(
                "finished", {"stop_reason": outcome.stop_reason, "summary": dict(outcome.summary)}
            )

    def _say(self, kind: str, content: dict[str, Any]) -> None:
        self._messages.put((kind, content))

    def _report(self, row: Any) -> bool:
        """An epoch is done: tell, and wait for the answer where there is one to expect."""
        self._beat = time.monotonic()
        self._say("reported", dict(row))
        if row["last"]:
            return True  # it has come to its own end: nobody decides on that
        while True:
            try:
                goes_on = self._answers.get(timeout=_POLL_S)
                break
            except queue.Empty:
                self._beat = time.monotonic()  # waiting for the driver is no hang
        self._beat = time.monotonic()
        return goes_on and not self._left.is_set()

    def _wait_for_storage(self, problem: StorageFault) -> None:
        """Bear with a storage that refuses for a while; the driver shows what is waited for."""
        from study.training.runtime.failures import Stopped

        self._say("waiting", {"message": f"paused: {problem}; trying again"})
        deadline = time.monotonic() + PAUSE_S
        while time.monotonic() < deadline:
            self._beat = time.monotonic()
            if self._left.wait(0.1):
                raise Stopped

    def _heartbeat(self) -> None:
        from study.training.runtime.failures import Stopped, TrainingFailure

        self._beat = time.monotonic()
        if self._left.is_set():
            raise Stopped
        limit_s = self._config["limit_s"]
        used_s = self._assignment["seconds_used"] + self._beat - self._began
        if limit_s is not None and used_s > limit_s:
            raise TrainingFailure(
                "timeout", f"the trial took more than its {limit_s / 3600:g} hours", {}
            )

    def _keep_stderr(self, text: str) -> None:
        """Leave the traceback in the trial's folder, where a user looks for it; a full disk is no
        second failure.
        """
        path = storage_path(self._config["stderr"])
        with suppress(OSError):
            path.parent.make_folder()
            path.write_whole(text)


def _awaits_answer(message: Message) -> bool:
    """Whether training stands still until it hears whether to go on."""
    kind, content = message
    return kind == "reported" and not content["last"]


class PatientStore:
    """Checkpoints on a storage that may be full or away for a while: who reads or saves waits up to
    PATIENCE_S.
    """

    def __init__(self, store: Any, wait: Callable[[StorageFault], None]) -> None:
        self._store = store
        self._wait = wait

    def latest(self) -> Any:
        return self._patiently(self._store.latest)

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        self._patiently(lambda: self._store.save(epoch, state))

    def _patiently(self, act: Callable[[], Any]) -> Any:
        began = time.monotonic()
        while True:
            try:
                return act()
            except (StorageFault, OSError) as error:
                problem = error if isinstance(error, StorageFault) else StorageFault(str(error))
                if time.monotonic() - began > PATIENCE_S:
                    raise problem from error
                self._wait(problem)


def pick_device(gpus: float) -> str:
    """``cuda`` where the trial was allotted a share of a GPU, else ``cpu``; a GPU that can't be
    used is a failure.
    """
    import torch

    from study.training.runtime.failures import TrainingFailure

    if gpus == 0:
        return "cpu"
    if not torch.cuda.is_available():
        raise TrainingFailure(
            "device", "the trial was allotted a GPU, and torch finds none that it can use", {}
        )
    if gpus < 1:
        _keep_to_share(gpus)
    return "cuda"


def _keep_to_share(share: float) -> None:
    """See that a trial's share of a GPU's memory is there, and let it take no more: its neighbors
    rely on theirs.
    """
    import torch

    from study.training.runtime.failures import TrainingFailure

    free, total = torch.cuda.mem_get_info()
    own = torch.cuda.memory_reserved()  # a worker that trained before holds this
    if free + own < _SLACK * share * total:
        message = (
            f"{(free + own) / 2**30:.1f} GiB of the GPU are free, and the trial's share is"
            f" {share * total / 2**30:.1f}"
        )
        raise TrainingFailure(
            "device", f"{message}: others use it", {"free_bytes": free + own, "total_bytes": total}
        )
    torch.cuda.set_per_process_memory_fraction(share)


def _placement(device: str) -> dict[str, Any]:
    """Where an attempt runs."""
    import ray
    import torch

    node = ray.get_runtime_context().get_node_id()
    place = {"host": socket.gethostname(), "node": node, "pid": os.getpid(), "device": "cpu"}
    if device == "cuda":
        found = torch.cuda.get_device_properties(device)
        place |= {"device": found.name, "device_bytes": found.total_memory}
    return place
