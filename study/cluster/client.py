"""Studies as jobs of a Ray cluster, through Ray's own Jobs API: submitted, found by name, followed,
stopped.

This is the side of whoever submits; what runs on the cluster is ``study.cluster.job``.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from study.cluster.job import ACCEPTED, ENTRYPOINT, ORDER_VARIABLE, REFUSED, STOP_WITHIN_S
from study.cluster.job_request import Order
from study.errors import OutsideFault, StudyError, UserError
from study.execution.provenance import version
from study.execution.ray_internals import JOB_LOGGERS, JOB_STOP_WAIT, NO_AGENT, http_error, silence
from study.execution.resources import factories

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

_PACKAGES = ("study", "search_spaces", "analysis")
_ENDED = ("SUCCEEDED", "FAILED", "STOPPED")
_CONNECT_S = 5.0
_ANSWER_S = 120.0
"""How long a cluster may take to look at an order before that is told."""
_POLL_S = 0.3
_LARGEST_ORDER_BYTES = 100_000
"""What goes into an environment variable, with room to spare."""


@dataclass(frozen=True)
class Job:
    """One job that drives, or drove, a study."""

    id: str
    study: str
    storage: str
    state: str
    started: float
    exit_code: int | None
    message: str

    @property
    def over(self) -> bool:
        return self.state in _ENDED


class Cluster:
    """The jobs of the cluster whose dashboard is at ``address``; UserError where none answers or it
    lets nobody in.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.has_token = _use_token()
        _reach(address)
        # the token's mode has to be known before Ray is loaded
        from ray.job_submission import JobSubmissionClient

        with _told(address):
            self._client = JobSubmissionClient(address)
            silence(JOB_LOGGERS, below=logging.ERROR)
            self._client.list_jobs()

    @property
    def warning(self) -> str:
        """What whoever submits has to know of this cluster; empty where there is nothing."""
        if self.has_token or _is_loopback(self.address):
            return ""
        return (
            f"warning: {self.address} is used without a token. Whoever reaches a Ray cluster"
            " without one has a shell on it (CVE-2023-48022): start it with RAY_AUTH_MODE=token"
            " and set RAY_AUTH_TOKEN here"
        )

    def jobs(self) -> list[Job]:
        """The studies' jobs, newest first."""
        with _told(self.address):
            found = self._client.list_jobs()
        jobs = [_job_of(details) for details in found if (details.metadata or {}).get("study")]
        return sorted(jobs, key=lambda job: job.started, reverse=True)

    def find(self, name: str) -> Job | None:
        """The newest job of a study."""
        return next((job for job in self.jobs() if job.study == name), None)

    def job(self, name: str) -> Job:
        """The newest job of a study; UserError where the cluster has none."""
        found = self.find(name)
        if found is None:
            names = sorted({job.study for job in self.jobs()})
            there = f"; there are: {', '.join(names)}" if names else ""
            raise UserError(f"no job of a study {name} at {self.address}{there}")
        return found

    def submit(self, order: Order, code: Path | None = None) -> Job:
        """Start a job that drives a study and brings the modules in ``code``; UserError with what
        stands against it.
        """
        jobs = [job for job in self.jobs() if job.study == order.name]
        if jobs and not jobs[0].over:
            raise UserError(
                f"study {order.name} is running at {self.address} already, as job {jobs[0].id}"
            )
        submission = f"study-{order.name}-{len(jobs) + 1}"
        text = json.dumps(asdict(order))
        if len(text.encode()) > _LARGEST_ORDER_BYTES:
            raise UserError(
                f"the study file is too large to be sent: it may have {_LARGEST_ORDER_BYTES} bytes"
            )
        variables = {
            ORDER_VARIABLE: text,
            JOB_STOP_WAIT: str(STOP_WITHIN_S),
            "PYTHONUNBUFFERED": "1",
        }
        environment: dict[str, Any] = {"env_vars": variables}
        if code is not None:
            environment["working_dir"] = str(code)
        self._start(submission, environment, {"study": order.name, "storage": order.storage})
        return self._answered(submission)

    def _start(
        self, submission: str, environment: dict[str, Any], metadata: dict[str, str]
    ) -> None:
        deadline = time.monotonic() + _ANSWER_S
        while True:
            try:
                with _told(self.address):
                    self._client.submit_job(
                        entrypoint=ENTRYPOINT,
                        submission_id=submission,
                        runtime_env=environment,
                        metadata=metadata,
                    )
                return
            except OutsideFault as error:  # a head that has just started has no agent yet
                if NO_AGENT not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(1)

    def _answered(self, submission: str) -> Job:
        """The job once it was accepted; UserError with the cluster's reasons where it was
        refused.
        """
        deadline = time.monotonic() + _ANSWER_S
        while time.monotonic() < deadline:
            job = self._by_id(submission)
            logs = self.logs(job)
            for line in logs.splitlines():
                if line.startswith(REFUSED):
                    raise UserError(json.loads(line.removeprefix(REFUSED)))
                if line.startswith(ACCEPTED):
                    return job
            if job.over:
                raise UserError(_what_failed(logs, job))
            time.sleep(_POLL_S)
        raise OutsideFault(
            f"the cluster has not looked at the study for {_ANSWER_S:.0f} s; it may still: job"
            f" {submission}"
        )

    def _by_id(self, submission: str) -> Job:
        with _told(self.address):
            return _job_of(self._client.get_job_info(submission))

    def logs(self, job: Job) -> str:
        """All that a job has said."""
        with _told(self.address):
            return str(self._client.get_job_logs(job.id))

    def follow(self, job: Job, say: Callable[[str], None]) -> Job:
        """Hand on what a job says until it is over."""

        async def all_of_it() -> None:
            async for text in self._client.tail_job_logs(job.id):
                say(text)

        with _told(self.address):
            asyncio.run(all_of_it())
        return self.wait(job)

    def wait(self, job: Job, timeout_s: float = float("inf")) -> Job:
        """The job once it is over, or as it is after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while not job.over and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            job = self._by_id(job.id)
        return job

    def stop(self, job: Job) -> Job:
        """Let a job's study close its journal and end; Ray kills it after STOP_WITHIN_S seconds."""
        with _told(self.address):
            self._client.stop_job(job.id)
        return self.wait(job, STOP_WITHIN_S + 30)


def _job_of(details: Any) -> Job:
    return Job(
        id=details.submission_id or details.job_id,
        study=details.metadata["study"],
        storage=details.metadata["storage"],
        state=str(getattr(details.status, "value", details.status)),
        started=(details.start_time or 0) / 1000,
        exit_code=details.driver_exit_code,
        message=details.message or "",
    )


def _what_failed(logs: str, job: Job) -> str:
    """Why a job ended before it could look at its study, in a line."""
    if re.search(r"No module named '?study\b", logs):
        return (
            "ray-study is not installed on the cluster's head, or not for the Python that started"
            f" it: pip install ray-study=={version('ray-study')} there, or submit with --ship-code"
        )
    said = [line for line in logs.splitlines() if line.strip()]
    return f"job {job.id} ended at once: {(said or [job.message or job.state])[-1][:300]}"


@contextmanager
def packed(spec: StudySpec) -> Iterator[Path]:
    """A folder with this package and the user's own modules, for nodes that don't have them."""
    here = Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory(prefix="study-code-") as name:
        folder = Path(name)
        for source in [*(here / package for package in _PACKAGES), *_own_modules(spec)]:
            if source.is_dir():
                shutil.copytree(
                    source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__")
                )
            else:
                shutil.copy(source, folder)
        yield folder


def _own_modules(spec: StudySpec) -> list[Path]:
    """The modules and packages below the current folder that the study names as
    ``package.module:factory``.
    """
    names = {name.partition(":")[0].partition(".")[0] for name in factories(spec.tree())}
    found = [Path.cwd() / form for name in sorted(names) for form in (name, f"{name}.py")]
    return [path for path in found if path.exists() and path.name not in _PACKAGES]


def _use_token() -> bool:
    """Have Ray use the user's token, where there is one; whether there is."""
    mode = os.environ.get("RAY_AUTH_MODE")
    kept = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    has_token = bool(os.environ.get("RAY_AUTH_TOKEN")) or kept.is_file()
    if mode is None and has_token:
        os.environ["RAY_AUTH_MODE"] = "token"
    return has_token and os.environ.get("RAY_AUTH_MODE") == "token"


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or address.partition(":")[0]
    if host in ("localhost", "auto"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _reach(address: str) -> None:
    """UserError, soon, where nothing listens at a dashboard's address."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(
            f"--address: must be a cluster's dashboard, as http://HEAD:8265; found {address!r:.100}"
        )
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname, port), timeout=_CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise UserError(
            f"no Ray cluster answers at {address}: {getattr(error, 'strerror', '') or error}"
        ) from None


@contextmanager
def _told(address: str) -> Iterator[None]:
    """Ray's and the network's errors as lines for a reader; no token is in any of them."""
    try:
        yield
    except StudyError:
        raise
    except Exception as error:
        text = str(error)
        status = http_error(text)
        if status == 401:
            wanted = "set RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH"
            raise UserError(f"the cluster at {address} asks for a token: {wanted}") from None
        if status == 403:
            raise UserError(
                f"the cluster at {address} refuses this token (RAY_AUTH_TOKEN, or"
                " ~/.ray/auth_token)"
            ) from None
        if isinstance(error, ConnectionError):
            raise UserError(f"no Ray cluster answers at {address}") from None
        raise OutsideFault(f"{address}: {text.strip().splitlines()[0][:300]}") from None


class Reader:
    """Gives of a job's log what the study says: what comes after its acceptance."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._begun = ""
        self._accepted = False

    def __call__(self, text: str) -> None:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            if self._accepted:
                self._say(line)
            self._accepted |= line.startswith(ACCEPTED)
