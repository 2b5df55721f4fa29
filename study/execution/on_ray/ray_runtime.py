"""The Ray that a study runs on: one of its own on this machine, or a cluster that is there."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from study.errors import OutsideFault, UserError
from study.execution.on_ray.ray_internals import (
    RAY_LOGGERS,
    RAY_SETTINGS,
    loopback_options,
    own_ray_startup,
    silence,
)

_FOLDER_PREFIX = "study-ray-"
_START_ATTEMPTS = 3
_CONNECT_TIMEOUT_S = 10.0
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

    def __init__(self, address: str | None, module_path: Sequence[str]) -> None:
        self.address = address
        self._module_path = list(module_path)
        self._folder: Path | None = None
        self._is_connected = False

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
        if self.address is None:
            self._start(cpus, a_worker_each)
        else:
            self._join(self.address)

    def _join(self, address: str) -> None:
        import ray

        check_answers(address)
        silence(RAY_LOGGERS)
        runtime: dict[str, Any] = {"env_vars": {"PYTHONPATH": python_path(self._module_path)}}
        if CODE_PACKAGE in os.environ:
            runtime["working_dir"] = os.environ[CODE_PACKAGE]
        self._is_connected = True
        try:
            ray.init(address=address, runtime_env=runtime, **_QUIET)
        except (ConnectionError, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"no Ray cluster answers at {address}: {reason}") from None

    def _start(self, cpus: int | None, a_worker_each: bool) -> None:
        """Start a Ray in a temporary folder of its own."""
        silence(RAY_LOGGERS)
        _remove_abandoned_folders()
        self._is_connected = True
        self._folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER_PREFIX}{os.getpid()}-"))
        # Ray leaves a token for the user's next sessions: not for all to read.
        umask = os.umask(0o077)
        try:
            with own_ray_startup(python_path(self._module_path), prestart=a_worker_each):
                _start_ray(cpus, self._folder)
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
        if self._is_connected:
            import ray

            ray.shutdown()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


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
                **loopback_options(folder),
                **_QUIET,
            )
            return
        except Exception as error:  # Ray raises bare ones here
            reason = str(error).strip().partition("\n")[0]
            ray.shutdown()
    raise OutsideFault(
        f"Ray could not be started on this machine: {reason} The study can be resumed."
    )


def check_answers(address: str) -> None:
    """Raise UserError where nobody listens at ``HOST:PORT``, which Ray would try for minutes."""
    host, colon, port = address.rpartition(":")
    if "/" in address or not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_TIMEOUT_S).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"no Ray cluster answers at {address}: {error}") from None


def node_resources() -> list[dict[str, float]]:
    """Return what each living node of this process's Ray has, by Ray's names of resources."""
    import ray

    return [dict(node["Resources"]) for node in ray.nodes() if node["Alive"]]


def is_node_alive(node: str) -> bool:
    """Whether the node with this id still belongs to this process's Ray."""
    import ray

    return any(known["NodeID"] == node and known["Alive"] for known in ray.nodes())


def python_path(folders: Sequence[str]) -> str:
    """Return workers' ``PYTHONPATH``: these folders, then where this process finds modules."""
    parts = list(folders)
    if os.environ.get("PYTHONPATH"):
        parts.append(os.environ["PYTHONPATH"])
    return os.pathsep.join(parts)


def _remove_abandoned_folders() -> None:
    """Remove the temporary folders of drivers that were killed."""
    if not Path("/proc/self").exists():
        return  # whether a process lives can't be seen here
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER_PREFIX}*"):
        owner = folder.name.removeprefix(_FOLDER_PREFIX).split("-")[0]
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(folder, ignore_errors=True)
