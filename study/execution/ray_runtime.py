"""A Ray for a study: one of its own on this machine, or a cluster that is there."""

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
from study.execution.ray_internals import (
    RAY_LOGGERS,
    RAY_SETTINGS,
    loopback_options,
    own_ray_startup,
    silence,
)

_PREFIX = "study-ray-"
_STARTS = 3
_ANSWER_S = 10.0
_OBJECT_STORE_BYTES = 256 * 2**20
CODE_PACKAGE = "STUDY_CODE_PACKAGE"
"""The environment variable with the address, on a cluster, of code that was shipped to it."""
ENVIRONMENT = RAY_SETTINGS | {"PYTHONWARNINGS": "ignore"}
"""Set for every driver and its workers, unless the user has set them."""
_SILENT: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}


class Connection:
    """Ray, started or joined when it is first needed and left at the end of the ``with`` block.

    Without an address it is a Ray that no one else is on: on loopback, without a dashboard, silent,
    gone with the driver; other Rays on the machine are left alone.
    """

    def __init__(self, address: str | None, module_path: Sequence[str]) -> None:
        self.address = address
        self._module_path = list(module_path)
        self._folder: Path | None = None
        self._connected = False

    def __enter__(self) -> Self:
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        return self

    def connect(self, cpus: int | None = None, *, a_worker_each: bool = False) -> None:
        """Be on Ray. One that is started has ``cpus`` CPUs, by default all of the machine.

        ``a_worker_each``: as many worker processes start with it, and load what trials need while
        the driver is still getting ready.
        """
        if self._connected:
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
        self._connected = True
        try:
            ray.init(address=address, runtime_env=runtime, **_SILENT)
        except (ConnectionError, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"no Ray cluster answers at {address}: {reason}") from None

    def _start(self, cpus: int | None, a_worker_each: bool) -> None:
        """Start a Ray, more than once where the machine is so busy that Ray itself gives up after
        half a minute.
        """
        import ray

        silence(RAY_LOGGERS)
        _sweep()
        self._connected = True
        self._folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        reason, before = (
            "",
            os.umask(0o077),
        )  # Ray leaves a token for the user's next sessions, not for all to read
        try:
            with own_ray_startup(python_path(self._module_path), prestart=a_worker_each):
                for _ in range(_STARTS):
                    try:
                        ray.init(
                            address="local",
                            num_cpus=cpus,
                            include_dashboard=False,
                            object_store_memory=_OBJECT_STORE_BYTES,
                            **loopback_options(self._folder),
                            **_SILENT,
                        )
                        return
                    except Exception as error:  # Ray raises bare ones here
                        reason = str(error).strip().partition("\n")[0]
                        ray.shutdown()
        finally:
            os.umask(before)
        raise OutsideFault(
            f"Ray could not be started on this machine: {reason} The study can be resumed."
        )

    def rooms(self) -> list[dict[str, float]]:
        """What each node has of each resource, under Ray's names."""
        self.connect()
        return rooms()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._connected:
            import ray

            ray.shutdown()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


def check_answers(address: str) -> None:
    """UserError where nobody listens at ``HOST:PORT``, which Ray itself would go on trying for
    minutes.
    """
    host, colon, port = address.rpartition(":")
    if "/" in address or not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"no Ray cluster answers at {address}: {error}") from None


def rooms() -> list[dict[str, float]]:
    """What each living node of the Ray that this process is on has of each resource, under Ray's
    names.
    """
    import ray

    return [dict(node["Resources"]) for node in ray.nodes() if node["Alive"]]


def python_path(folders: Sequence[str]) -> str:
    """Where workers find modules: in these folders, then where this process does."""
    return os.pathsep.join([*folders, *filter(None, [os.environ.get("PYTHONPATH")])])


def _sweep() -> None:
    """Remove the temporary folders of drivers that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).split("-")[0]
        if (
            owner.isdecimal()
            and Path("/proc/self").exists()
            and not Path(f"/proc/{owner}").exists()
        ):
            shutil.rmtree(folder, ignore_errors=True)
