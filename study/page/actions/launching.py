"""Starts drivers where the server was told to: on a cluster, on this machine, or nowhere."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from aiohttp import web

from study.cluster.job_request import JobRequest
from study.errors import OutsideFault, StudyLocked, UserError
from study.execution.changes import Change
from study.execution.user.configuration import configuration_folder
from study.files.atomic import make_folder
from study.files.layout import StudyPaths, is_there
from study.files.lock import lock_holder
from study.files.storage_uri import storage_path
from study.journal.following import FollowedJournal
from study.page.access.tokens import ENVIRONMENT

_BEGINS_WITHIN_S = 180.0
"""A driver has begun by then, or it is told that it will."""
_POLL_S = 0.2
_LONGEST_WORDS = 2000


class Launcher(Protocol):
    """Has studies driven."""

    can_start: bool
    """Whether it starts any driver at all."""
    drives_here: bool
    """Whether on this machine."""

    def start(self, request: JobRequest, command: str) -> Change:
        """Start a driver that does what is asked for, and return once it has begun.

        ``command`` is the line for a shell that does the same. Raises UserError with the reason
        where the driver refuses.
        """


class NoDrivers:
    """A server that starts none."""

    can_start = False
    drives_here = True

    def start(self, request: JobRequest, command: str) -> Change:
        raise web.HTTPConflict(
            text=f"this server starts no drivers (--address, or --drive); type: {command}"
        )


class ClusterJobs:
    """Drivers are jobs of a cluster."""

    can_start = True
    drives_here = False

    def __init__(self, address: str) -> None:
        self._address = address

    def start(self, request: JobRequest, command: str) -> Change:
        from study.cluster.client import Cluster  # which loads Ray

        job = Cluster(self._address).submit(request)
        line = f"study {job.study} runs at {self._address} as job {job.id}"
        return Change((line,), is_asked=True, facts={"study": job.study, "job": job.id})


class Processes:
    """Drivers are processes of this machine, one for each study, which go on when the server
    ends.
    """

    can_start = True
    drives_here = True

    def __init__(self) -> None:
        self._started: dict[tuple[str, str], subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def start(self, request: JobRequest, command: str) -> Change:
        paths = StudyPaths(storage_path(request.storage), request.name)
        holder = lock_holder(paths.lock) if is_there(paths) else ""
        if holder:
            raise StudyLocked(request.name, holder)
        output = _output_file(request)
        with tempfile.TemporaryDirectory(prefix="study-page-") as folder:
            process = self._spawn(request, Path(folder), output)
            has_begun = _wait_for_beginning(process, paths)
        if not has_begun and process.poll() is not None:
            words = _last_words(output).replace(f"{folder}{os.sep}", "")
            return _ended(process.returncode, words)
        line = f"study {request.name} runs here as process {process.pid}; it prints to {output}"
        return Change((line,), is_asked=True, facts={"study": request.name, "pid": process.pid})

    def _spawn(self, request: JobRequest, folder: Path, output: Path) -> subprocess.Popen[bytes]:
        key = (request.storage, request.name)
        with self._lock:
            earlier = self._started.get(key)
            if earlier is not None and earlier.poll() is None:
                raise StudyLocked(request.name, f"process {earlier.pid} on {socket.gethostname()}")
            with output.open("wb") as file:
                environment = {k: v for k, v in os.environ.items() if k != ENVIRONMENT}
                process = subprocess.Popen(
                    [sys.executable, "-m", "study.cli", *request.words(folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    start_new_session=True,
                )
            self._started[key] = process
        return process


def launcher_of(address: str | None, drive: bool) -> Launcher:
    """Return what starts drivers by what the server was told."""
    if address:
        return ClusterJobs(address)
    return Processes() if drive else NoDrivers()


def _output_file(request: JobRequest) -> Path:
    """Return the file that takes what a study's driver prints, empty and this user's alone."""
    folder = configuration_folder() / "page" / "drivers"
    make_folder(folder)
    path = folder / f"{request.name}.log"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    return path


def _wait_for_beginning(process: subprocess.Popen[bytes], paths: StudyPaths) -> bool:
    """Wait until a driver's session is on record, or it has ended; whether it is on record."""
    deadline = time.monotonic() + _BEGINS_WITHIN_S
    journal = FollowedJournal(paths.journal)
    while time.monotonic() < deadline:
        has_ended = process.poll() is not None
        with suppress(FileNotFoundError):
            journal.read_on()
        for session in journal.history.sessions[-1:]:
            if session.pid == process.pid and session.host == socket.gethostname():
                return True
        if has_ended:
            return False
        time.sleep(_POLL_S)
    return False


def _last_words(output: Path) -> str:
    text = output.read_bytes()[-_LONGEST_WORDS:].decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(lines[-5:]) or "it said nothing"


def _ended(exit_code: int, words: str) -> Change:
    """Return what a driver said that had nothing to do; raise what one has met that ended at
    once.
    """
    if exit_code == UserError.exit_code:
        raise UserError(words)
    if exit_code not in (0, 1):
        raise OutsideFault(f"the driver ended with exit code {exit_code}: {words}")
    return Change((words,), is_asked=False)
