"""Studies as jobs of a Ray cluster, through Ray's Jobs API: submitted, found, followed, stopped.

This is the side of whoever submits; what runs on the cluster is ``study.cluster.job``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from study.cluster.access import answers_without_token, is_loopback
from study.cluster.job import ENTRYPOINT, STOP_WITHIN_S
from study.cluster.job_log import is_accepted
from study.cluster.job_request import REQUEST_VARIABLE, JobRequest
from study.errors import OutsideFault, StudyError, UserError
from study.execution.on_ray.ray_internals import (
    JOB_LOGGERS,
    JOB_STOP_WAIT,
    NO_AGENT,
    http_error,
    silence,
)
from study.execution.provenance import version

ENDED_JOBS = ("SUCCEEDED", "FAILED", "STOPPED")
"""The states of Ray's in which a job has ended."""
_CONNECT_TIMEOUT_S = 5.0
_ANSWER_TIMEOUT_S = 120.0
"""How long a cluster may take to look at a request before that is an error."""
_POLL_S = 0.3
_FOLLOW_POLL_S = 1.0
_LARGEST_REQUEST_BYTES = 100_000
"""What goes into an environment variable, with room to spare."""
_LONGEST_MESSAGE = 300


@dataclass(frozen=True)
class Job:
    """One job that drives, or drove, a study."""

    id: str
    study: str
    storage: str
    state: str
    started: float
    """When it was submitted, in seconds since 1970."""
    exit_code: int | None
    message: str

    @classmethod
    def of(cls, details: Any) -> Job:
        """Take what the Jobs API says about a study's job."""
        return cls(
            id=details.submission_id or details.job_id,
            study=details.metadata["study"],
            storage=details.metadata["storage"],
            state=str(getattr(details.status, "value", details.status)),
            started=(details.start_time or 0) / 1000,
            exit_code=details.driver_exit_code,
            message=details.message or "",
        )

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED_JOBS


class Cluster:
    """The jobs of the cluster whose dashboard is at ``address``.

    Every method raises UserError where no cluster answers there or it lets nobody in, and
    OutsideFault for what else goes wrong on the way.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.has_token = _use_token()
        _check_reachable(address)
        # the token's mode has to be known before Ray is loaded
        from ray.job_submission import JobSubmissionClient

        with _errors_in_plain_lines(address):
            self._client = JobSubmissionClient(address)
            silence(JOB_LOGGERS, below=logging.ERROR)
            self._client.list_jobs()

    @property
    def warning(self) -> str:
        """What whoever submits has to know of this cluster; empty where there is nothing."""
        if is_loopback(self.address):
            return ""
        if self.has_token and not answers_without_token(self.address):
            return ""
        return (
            f"warning: {self.address} can be used without a token. Whoever reaches a Ray cluster"
            " without one has a shell on it (CVE-2023-48022): start it with RAY_AUTH_MODE=token"
            " and set RAY_AUTH_TOKEN here"
        )

    def jobs(self) -> list[Job]:
        """List the studies' jobs, newest first."""
        with _errors_in_plain_lines(self.address):
            found = self._client.list_jobs()
        jobs = [Job.of(details) for details in found if (details.metadata or {}).get("study")]
        return sorted(jobs, key=lambda job: job.started, reverse=True)

    def job(self, name: str) -> Job:
        """Return the newest job of a study. Raises UserError where the cluster has none."""
        jobs = self.jobs()
        for job in jobs:
            if job.study == name:
                return job
        names = sorted({job.study for job in jobs})
        there = f"; there are: {', '.join(names)}" if names else ""
        raise UserError(f"no job of a study {name} at {self.address}{there}")

    def submit(self, request: JobRequest, code: Path | None = None) -> Job:
        """Start a job that drives a study, and wait until it has accepted that.

        ``code`` is a folder of modules that it brings along. Raises UserError with the reason
        where it refuses.
        """
        earlier = [job for job in self.jobs() if job.study == request.name]
        if earlier and not earlier[0].has_ended:
            raise UserError(
                f"study {request.name} is running at {self.address} already, as job {earlier[0].id}"
            )
        text = request.to_json()
        if len(text.encode()) > _LARGEST_REQUEST_BYTES:
            raise UserError(
                f"the study file is too large to be sent: it may have {_LARGEST_REQUEST_BYTES}"
                " bytes"
            )
        submission = f"study-{request.name}-{len(earlier) + 1}"
        variables = {
            REQUEST_VARIABLE: text,
            JOB_STOP_WAIT: str(STOP_WITHIN_S),
            "PYTHONUNBUFFERED": "1",
        }
        environment: dict[str, Any] = {"env_vars": variables}
        if code is not None:
            environment["working_dir"] = str(code)
        metadata = {"study": request.name, "storage": request.storage}
        self._start(submission, environment, metadata)
        return self._wait_for_acceptance(submission)

    def _start(
        self, submission: str, environment: dict[str, Any], metadata: dict[str, str]
    ) -> None:
        deadline = time.monotonic() + _ANSWER_TIMEOUT_S
        while True:
            try:
                with _errors_in_plain_lines(self.address):
                    self._client.submit_job(
                        entrypoint=ENTRYPOINT,
                        submission_id=submission,
                        runtime_env=environment,
                        metadata=metadata,
                    )
                return
            except OutsideFault as error:
                if NO_AGENT not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(1)

    def _wait_for_acceptance(self, submission: str) -> Job:
        """Return the job once it accepts its study; raise UserError where it refuses or fails."""
        deadline = time.monotonic() + _ANSWER_TIMEOUT_S
        while time.monotonic() < deadline:
            job = self._by_id(submission)
            log = self.log(job)
            if is_accepted(log):
                return job
            if job.has_ended:
                raise UserError(_why_it_ended(log, job))
            time.sleep(_POLL_S)
        raise OutsideFault(
            f"the cluster has not looked at the study for {_ANSWER_TIMEOUT_S:.0f} s; it may still:"
            f" job {submission}"
        )

    def _by_id(self, submission: str) -> Job:
        with _errors_in_plain_lines(self.address):
            return Job.of(self._client.get_job_info(submission))

    def log(self, job: Job) -> str:
        """Return all that a job has said."""
        with _errors_in_plain_lines(self.address):
            return str(self._client.get_job_logs(job.id))

    def follow(self, job: Job, on_text: Callable[[str], None]) -> Job:
        """Pass on what a job says, in pieces, until it has ended.

        Ray goes on looking for more of its log for seconds after that.
        """
        lines = 0
        has_left = threading.Event()

        async def pass_on() -> None:
            nonlocal lines
            async for text in self._client.tail_job_logs(job.id):
                on_text(text)
                lines += text.count("\n")

        def watch(say_it_is_over: Callable[[], None]) -> None:
            """Look for the job's end; a thread that nobody has to wait for may wait for answers."""
            whole = None
            while not has_left.wait(_FOLLOW_POLL_S):
                with suppress(StudyError):  # what stays wrong ends the reading of the log
                    if whole is None and self._by_id(job.id).has_ended:
                        whole = self.log(job).count("\n")
                if whole is not None and lines >= whole:
                    say_it_is_over()
                    return

        async def follow_to_the_end() -> None:
            loop, is_over = asyncio.get_running_loop(), asyncio.Event()

            def say_it_is_over() -> None:
                with suppress(RuntimeError):  # the loop has ended by itself
                    loop.call_soon_threadsafe(is_over.set)

            threading.Thread(target=watch, args=(say_it_is_over,), daemon=True).start()
            both = [asyncio.create_task(pass_on()), asyncio.create_task(is_over.wait())]
            try:
                done, others = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                has_left.set()
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            for task in done:
                task.result()

        with _errors_in_plain_lines(self.address):
            asyncio.run(follow_to_the_end())
        return self.wait(job)

    def wait(self, job: Job, timeout_s: float = float("inf")) -> Job:
        """Return the job once it has ended, or as it is after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while not job.has_ended and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            job = self._by_id(job.id)
        return job

    def stop(self, job: Job) -> Job:
        """Let a job's study close its journal and end; Ray kills it after ``STOP_WITHIN_S``."""
        with _errors_in_plain_lines(self.address):
            self._client.stop_job(job.id)
        return self.wait(job, STOP_WITHIN_S + 30)


def _why_it_ended(log: str, job: Job) -> str:
    """Say in a line why a job ended before it could look at its study."""
    if re.search(r"No module named '?study\b", log):
        return (
            "ray-study is not installed on the cluster's head, or not for the Python that started"
            f" it: pip install ray-study=={version('ray-study')} there, or submit with --ship-code"
        )
    lines = [line for line in log.splitlines() if line.strip()]
    last = lines[-1] if lines else job.message or job.state
    return f"job {job.id} ended at once: {last[:_LONGEST_MESSAGE]}"


def _use_token() -> bool:
    """Have Ray use the user's token where there is one; return whether there is."""
    token_file = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    has_token = bool(os.environ.get("RAY_AUTH_TOKEN")) or token_file.is_file()
    if has_token:
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    return has_token and os.environ["RAY_AUTH_MODE"] == "token"


def _check_reachable(address: str) -> None:
    """Raise UserError, soon, where nothing listens at a dashboard's address."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(
            f"--address: must be a cluster's dashboard, as http://HEAD:8265; found {address!r:.100}"
        )
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname, port), timeout=_CONNECT_TIMEOUT_S).close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or error
        raise UserError(f"no Ray cluster answers at {address}: {reason}") from None


@contextmanager
def _errors_in_plain_lines(address: str) -> Iterator[None]:
    """Turn Ray's and the network's errors into ours, of one line each and without a token."""
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
        reason = (text.strip() or type(error).__name__).splitlines()[0][:_LONGEST_MESSAGE]
        raise OutsideFault(f"{address}: {reason}") from None
