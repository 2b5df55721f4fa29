"""The Ray that a study runs on: one of its own on this machine, or a cluster that is there."""

from __future__ import annotations

import logging
import os
import resource
import secrets
import socket
import threading
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from study.errors import OutsideFault, UserError
from study.execution.on_ray.ray_internals import (
    RAY_LOGGERS,
    RAY_SETTINGS,
    job_config_without_folders,
    loopback_options,
    own_ray_startup,
    silence,
)
from study.execution.on_ray.temporary_folder import TemporaryFolder, remove_abandoned_folders

_LONGEST_FOLDER = 36
"""Bytes of a folder's path below which Ray's sockets fit: a socket's path has 103 where it has
least, on macOS, of which Ray's own names take up to 66.
"""
_SHUTDOWN_S = 20.0
"""How long a Ray may take to be left; one that is gone might take for ever."""
_START_ATTEMPTS = 3
_CONNECT_TIMEOUT_S = 10.0
_FEW_PROCESSES = 1_000
_LOOPBACK = "127.0.0.1"
_TOKEN = "RAY_AUTH_TOKEN"
_OBJECT_STORE_BYTES = 256 * 2**20
CODE_PACKAGE = "STUDY_CODE_PACKAGE"
"""The environment variable with the address, on a cluster, of code that was shipped to it."""
ENVIRONMENT = RAY_SETTINGS | {"PYTHONWARNINGS": "ignore"}
"""Set for every driver and its workers, unless the user has set them."""
_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}


class RayConnection:
    """Starts or joins Ray when it is first needed, and leaves it at the end of the ``with`` block.

    Without an address it is a Ray that no one else is on: on loopback, without a dashboard, silent,
    gone with the driver; other Rays on the machine are left alone.
    """

    def __init__(self, address: str | None) -> None:
        self.address = address
        self._folder: TemporaryFolder | None = None
        self._is_connected = False
        self._cpus: int | None = None
        self._a_worker_each = False

    def __enter__(self) -> Self:
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        return self

    def connect(self, cpus: int | None = None, *, a_worker_each: bool = False) -> None:
        """Start or join Ray, unless that was done before.

        A Ray that is started has ``cpus`` CPUs, by default all of the machine. With
        ``a_worker_each`` a worker process for each of them starts at once and loads what trials
        need while the driver is still getting ready.

        Raises UserError where no cluster answers, OutsideFault where no Ray can be started.
        """
        if self._is_connected:
            return
        self._cpus, self._a_worker_each = cpus, a_worker_each
        remove_abandoned_folders()
        if self.address is None:
            self._start(cpus, a_worker_each)
        else:
            self._join(self.address)

    def restart(self) -> None:
        """Start another Ray in the place of one that is gone. Raises what ``connect`` raises."""
        self._leave()
        self.connect(self._cpus, a_worker_each=self._a_worker_each)

    def _join(self, address: str) -> None:
        import ray

        check_answers(address)
        silence(RAY_LOGGERS)
        runtime: dict[str, Any] = {}
        if os.environ.get("PYTHONPATH"):
            runtime["env_vars"] = {"PYTHONPATH": os.environ["PYTHONPATH"]}
        if CODE_PACKAGE in os.environ:
            runtime["working_dir"] = os.environ[CODE_PACKAGE]
        self._is_connected = True
        try:
            ray.init(
                address=address,
                runtime_env=runtime,
                job_config=job_config_without_folders(),
                **_QUIET,
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"no Ray cluster answers at {address}: {reason}") from None

    def _start(self, cpus: int | None, a_worker_each: bool) -> None:
        """Start a Ray in a temporary folder of its own."""
        silence(RAY_LOGGERS)
        check_loopback()
        provide_token()
        self._is_connected = True
        self._folder = TemporaryFolder("study-ray-", longest=_LONGEST_FOLDER)
        # Ray leaves a token for the user's next sessions: not for all to read.
        umask = os.umask(0o077)
        try:
            with own_ray_startup(prestart=a_worker_each):
                # below our folder: Ray opens its own to all users
                _start_ray(cpus, self._folder.path / "r")
        finally:
            os.umask(umask)

    def node_resources(self) -> list[dict[str, float]]:
        """Connect, and return what each node has of each resource, under Ray's names."""
        self.connect()
        return node_resources()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        """Leave Ray, if it was joined or started, and end a Ray that was started."""
        if self._is_connected:
            import ray

            leaving = threading.Thread(target=ray.shutdown, daemon=True)
            leaving.start()
            leaving.join(_SHUTDOWN_S)
            self._is_connected = False
        if self._folder:
            end_processes_of(self._folder.path)
            self._folder.remove()
            self._folder = None


def _start_ray(cpus: int | None, folder: Path) -> None:
    """Start Ray, several times where the machine is so busy that Ray gives up after half a minute.

    Raises OutsideFault with Ray's last reason.
    """
    import ray

    reason = ""
    for _ in range(_START_ATTEMPTS):
        try:
            ray.init(
                address="local",
                num_cpus=cpus,
                include_dashboard=False,
                object_store_memory=_OBJECT_STORE_BYTES,
                job_config=job_config_without_folders(),
                **loopback_options(folder),
                **_QUIET,
            )
            return
        except Exception as error:  # Ray raises bare ones here
            reason = str(error).strip().partition("\n")[0]
            ray.shutdown()
            end_processes_of(folder)  # those of a half started one aren't Ray's to end
    raise OutsideFault(
        f"Ray could not be started on this machine: {reason}{_limit_of_processes()} The study can"
        " be resumed."
    )


def _limit_of_processes() -> str:
    """Say how many processes and threads this user may have, where they are few for Ray."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if limit == resource.RLIM_INFINITY or limit >= _FEW_PROCESSES:
        return ""
    return f" Ray needs some hundreds of threads; this user may have {limit} (`ulimit -u`)."


def end_processes_of(folder: Path) -> None:
    """Kill the processes below this one that were started with a Ray's folder in their command."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if any(str(folder) in word for word in process.cmdline()):
                process.kill()


def check_loopback() -> None:
    """Raise OutsideFault where this machine can't reach itself, which Ray would try for minutes."""
    try:
        with socket.create_server((_LOOPBACK, 0)) as server:
            socket.create_connection(server.getsockname(), timeout=_CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise OutsideFault(
            f"Ray could not be started on this machine: its loopback network ({_LOOPBACK}) doesn't"
            f" work: {error.strerror or error}. The study can be resumed."
        ) from None


def provide_token() -> None:
    """Give this process a token of its own where Ray could not keep one in the user's home.

    The token keeps the machine's other users out of a Ray that this process starts.
    """
    if os.environ.get(_TOKEN) or os.environ.get(f"{_TOKEN}_PATH"):
        return
    folder = Path.home() / ".ray"
    if (folder / "auth_token").is_file():
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_writable = os.access(folder, os.W_OK)
    except OSError:
        is_writable = False
    if not is_writable:
        os.environ[_TOKEN] = secrets.token_hex(32)


def check_answers(address: str) -> None:
    """Raise UserError where nobody listens at ``HOST:PORT``, which Ray would try for minutes."""
    host, colon, port = address.rpartition(":")
    if "/" in address or not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_TIMEOUT_S).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"no Ray cluster answers at {address}: {error}") from None


def node_resources(but: Collection[str] = ()) -> list[dict[str, float]]:
    """Return what each living node of this process's Ray has, by Ray's names of resources; the
    nodes with the ids ``but`` are left out.
    """
    return [found for node, found in node_resources_by_id().items() if node not in but]


def node_resources_by_id() -> dict[str, dict[str, float]]:
    """Return what each living node of this process's Ray has, by the node's id."""
    import ray

    return {node["NodeID"]: dict(node["Resources"]) for node in ray.nodes() if node["Alive"]}


def is_node_alive(node: str) -> bool:
    """Whether the node with this id still belongs to this process's Ray."""
    import ray

    return any(known["NodeID"] == node and known["Alive"] for known in ray.nodes())


def cluster_fault() -> str:
    """Say whether this machine has lost its cluster; empty while it has not."""
    import ray

    here = ray.get_runtime_context().get_node_id()
    if any(node["NodeID"] == here and node["Alive"] for node in ray.nodes()):
        return ""
    return "this node is no longer part of the Ray cluster"
