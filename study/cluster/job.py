"""What a submitted study is on the cluster: a job's entry point, which supervises a driver.

The entry point runs beside the cluster's head. It refuses what can't go well with one line, then
has a Ray actor start the study's driver. A driver that dies, alone or with its node, is followed by
another one, as often as the request allows, which goes on from the storage. A driver that ends by
itself, even with an error, is not.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from study.cluster.job_log import print_acceptance, print_refusal
from study.cluster.job_request import REQUEST_VARIABLE, JobRequest
from study.errors import Interrupted, OutsideFault, StudyError, UserError
from study.execution.driver import LOCK_PATIENCE
from study.execution.on_ray.ray_runtime import CODE_PACKAGE
from study.files.layout import StudyPaths
from study.files.storage_uri import storage_path

ENTRYPOINT = "python -m study.cluster.job"
STOP_WITHIN_S = 60
"""A study that is asked to stop has so long to close its journal before Ray kills it."""
_ASK_AGAIN_S = 3.0
_POLL_S = 0.5
_LOCK_PATIENCE_S = 120
"""A network's file system keeps the lock of a node that is lost for up to 90 seconds."""
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main() -> None:
    """Be the job's process."""
    request = JobRequest.from_json(os.environ[REQUEST_VARIABLE])
    with _empty_folder():
        sys.exit(_check_and_supervise(request))


def _check_and_supervise(request: JobRequest) -> int:
    """Refuse what can't go well, or have the study driven to its end; return an exit code."""
    import ray

    ray.init(log_to_driver=False, logging_level="CRITICAL")
    from study.cluster.preflight import check_cluster

    try:
        check_cluster(request)
    except (StudyError, OSError) as error:
        print_refusal(str(error))
        return UserError.exit_code
    print_acceptance()
    return _supervise(request)


def _supervise(request: JobRequest) -> int:
    """Have the study driven by one driver after the other where they die; return an exit code."""
    import ray

    log = _log_actor()
    stop = _StopForwarder(request)
    signal.signal(signal.SIGTERM, stop.on_signal)
    for predecessors in range(request.retries + 1):
        driver = ray.remote(_DriverActor).options(num_cpus=0, max_restarts=0).remote()
        exit_code = driver.drive.remote(request, log, predecessors > 0)
        while not ray.wait([exit_code], timeout=_POLL_S)[0]:
            _print_new_lines(log)
            stop.forward()
        _print_new_lines(log)
        try:
            ended = int(ray.get(exit_code))
            if ended >= 0:
                return ended
            print(f"the driver died of signal {-ended}", flush=True)
        except ray.exceptions.RayActorError as error:
            print(f"the driver died: {str(error).strip().splitlines()[0]}", flush=True)
        if stop.is_wanted:
            return Interrupted.exit_code
    print(
        f"that was all {request.retries} retries; go on, with the cluster's --address, by:"
        f" {StudyPaths(storage_path(request.storage), request.name).command('resume')}",
        flush=True,
    )
    return OutsideFault.exit_code


def _log_actor() -> Any:
    """Start the actor that holds what drivers say, on this node."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(_LogActor).options(num_cpus=0, scheduling_strategy=here).remote()


def _print_new_lines(log: Any) -> None:
    """Put into the job's log what drivers have said since the last time."""
    import ray

    for line in ray.get(log.take_lines.remote()):
        print(line, flush=True)


class _StopForwarder:
    """Passes a job's SIGTERM on to wherever the driver is, through the storage."""

    def __init__(self, request: JobRequest) -> None:
        self._request = request
        self.is_wanted = False
        self._last_asked = 0.0

    def on_signal(self, number: int, frame: Any) -> None:
        """Note that the study is to stop."""
        self.is_wanted = True

    def forward(self) -> None:
        """Ask the driver to stop, and again from time to time.

        A driver that has just started discards what was asked before.
        """
        if not self.is_wanted or time.monotonic() - self._last_asked < _ASK_AGAIN_S:
            return
        from study.files import requests
        from study.files.layout import existing

        self._last_asked = time.monotonic()
        requests.post(existing(self._request.name, self._request.storage), {"do": "stop"})


class _LogActor:
    """An actor that holds what drivers say until it is printed into the job's log."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def say(self, line: str) -> None:
        self._lines.append(line)

    def take_lines(self) -> list[str]:
        """Return the lines that have not been taken yet."""
        taken, self._lines = self._lines, []
        return taken


class _DriverActor:
    """An actor that has a study driven on whatever node Ray chose, in a process of its own.

    The process runs the ordinary command. To Ray it is a job of its own, so that all that it held
    is free as soon as it is gone.
    """

    def drive(self, request: JobRequest, log: Any, is_successor: bool) -> int:
        """Return the driver's exit code, negative where a signal ended it.

        One that follows a driver that died waits for that one's lock.
        """
        import ray

        context = ray.get_runtime_context()
        log.say.remote(f"driven on node {context.get_node_id()[:8]}")
        environment = dict(os.environ)
        if is_successor:
            environment[LOCK_PATIENCE] = str(_LOCK_PATIENCE_S)
        package = context.runtime_env.get("working_dir")
        if package:
            environment[CODE_PACKAGE] = package
        with _empty_folder(), tempfile.TemporaryDirectory() as folder:
            asked = request.going_on() if is_successor else request
            words = [*asked.words(Path(folder)), "--address", context.gcs_address]
            exit_code = _run_command(words, environment, log)
        # waited for: so has arrived what was said before it
        ray.get(log.say.remote(f"exit code {exit_code}"))
        return exit_code


def _run_command(words: list[str], environment: dict[str, str], log: Any) -> int:
    """Run ``study`` with these words to its end, each of its lines passed on to the log."""
    process = subprocess.Popen(
        [sys.executable, "-m", "study.cli", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    )
    assert process.stdout is not None
    for line in process.stdout:
        log.say.remote(line.rstrip("\n"))
    return process.wait()


def _die_with_parent() -> None:
    """Let the kernel end this process with the actor that started it, however that ends."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def _empty_folder() -> Iterator[None]:
    """Stand in an empty folder for the length of the block.

    Shipped code is found by its path, and Ray may unpack it anew under our feet.
    """
    with tempfile.TemporaryDirectory(prefix="study-job-") as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir("/")


if __name__ == "__main__":
    from study.cluster import job  # under its own name, by which the nodes know what they are sent

    job.main()
