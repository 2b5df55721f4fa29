"""The other workers' places: an actor in each further part of a trial's placement group, which
keeps a process for each attempt.

Actors end with the one that has begun them, and processes with their actor.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from study.execution.on_ray.temporary_folder import TemporaryFolder
from study.execution.training_process.channel import Message
from study.execution.training_process.team_process import HostLost
from study.execution.training_process.training_process import Nursery, TrainingProcess
from study.files.storage_uri import storage_path

_LOOK_S = 0.5
"""How long an actor waits for its process to say something, before it can be told something."""
_LEFT_S = 90.0
"""How long a process on another node may take to be gone."""
_ABORT_S = 30.0


class ProcessHost:
    """Keeps the process of one attempt after another; an actor's class."""

    def __init__(self) -> None:
        self._nursery: Nursery | None = None
        self._process: TrainingProcess | None = None
        self._folder: TemporaryFolder | None = None
        self._has_ended = False

    def begin(self, request: Message) -> None:
        """Begin an attempt's process."""
        if self._nursery is None or not self._nursery.is_alive:
            self._nursery = Nursery()
        self._folder = TemporaryFolder("study-trial-")
        work = self._folder.path / "work"
        work.mkdir(mode=0o700)
        self._has_ended = False
        own = {"folder": str(work), "host": node_address()}
        output = storage_path(request["output"])
        self._process = TrainingProcess(self._nursery, request | own, output)

    def look(self) -> list[Message]:
        """Return what the process says within a moment, and its end."""
        if self._process is None or self._has_ended:
            return []
        said = []
        message = self._process.next_message(_LOOK_S)
        while message is not None:
            said.append(message)
            message = self._process.next_message(0)
        ending = self._process.ending
        if ending:
            self._has_ended = True
            ended = {"exit_code": ending.exit_code, "memory_kill": ending.is_memory_kill}
            said.append({"kind": "ended", **ended, "peak_bytes": ending.peak_bytes})
        return said

    def tell(self, message: Message) -> None:
        if self._process:
            self._process.tell(message)

    def kill(self) -> None:
        if self._process:
            self._process.kill()

    def abort(self) -> str:
        return self._process.abort() if self._process else ""

    def leave(self, is_done: bool) -> None:
        """Give the process time to end, then end it."""
        if self._process:
            self._process.leave(is_done=is_done)
            self._process = None
        if self._folder:
            self._folder.remove()
            self._folder = None

    def close(self) -> None:
        """End what begins its processes."""
        if self._nursery:
            self._nursery.close()
            self._nursery = None


class RayHost:
    """A ProcessHost elsewhere, as the trial's first worker sees it."""

    def __init__(self, index: int, resources: dict[str, float]) -> None:
        """It takes the part ``index`` of this actor's placement group."""
        wanted = dict(resources)
        self._actor: Any = (
            ray.remote(ProcessHost)
            .options(
                num_cpus=wanted.pop("CPU", 0),
                num_gpus=wanted.pop("GPU", 0),
                resources=wanted,
                scheduling_strategy=PlacementGroupSchedulingStrategy(
                    ray.util.get_current_placement_group(), placement_group_bundle_index=index
                ),
            )
            .remote()
        )
        self._look: Any = None
        self._leaving: Any = None
        self.is_lost = False

    def begin(self, request: Message) -> None:
        self._actor.begin.remote(request)
        self._look = self._actor.look.remote()

    def heard(self) -> list[Message]:
        ready, _ = ray.wait([self._look], timeout=0)
        if not ready:
            return []
        try:
            said: list[Message] = ray.get(self._look)
        except RayError as error:
            self.is_lost = True
            raise HostLost(_first_line(error)) from None
        self._look = self._actor.look.remote()
        return said

    def tell(self, message: Message) -> None:
        self._actor.tell.remote(message)

    def kill(self) -> None:
        self._actor.kill.remote()

    def leave(self, *, is_done: bool) -> None:
        self._leaving = self._actor.leave.remote(is_done)

    def await_left(self) -> None:
        if self.is_lost:
            return
        with suppress(RayError):
            ray.get(self._leaving, timeout=_LEFT_S)

    def abort(self) -> str:
        with suppress(RayError):
            return str(ray.get(self._actor.abort.remote(), timeout=_ABORT_S))
        return ""

    def end(self) -> None:
        """End the actor, and with it what it keeps."""
        with suppress(RayError):
            ray.kill(self._actor)


class Hosts:
    """The places of a trial's other workers, which one attempt after another uses."""

    def __init__(self) -> None:
        self._hosts: list[RayHost] = []

    def of(self, workers: int, resources: dict[str, float]) -> list[RayHost]:
        """Return a host for each worker but the first."""
        if any(host.is_lost for host in self._hosts) or len(self._hosts) != workers - 1:
            self.end()
            self._hosts = [RayHost(index, resources) for index in range(1, workers)]
        return self._hosts

    def end(self) -> None:
        """End them all."""
        while self._hosts:
            self._hosts.pop().end()


def node_address() -> str:
    """Return the address by which others reach this node."""
    return str(ray.util.get_node_ip_address())


def _first_line(error: Exception) -> str:
    words = " ".join(str(error).split())
    return f"its place was lost: {words[:300]}"
