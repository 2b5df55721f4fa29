"""What a submitted study is on the cluster: the entry point of a Ray job, which looks around and
supervises a driver.

The entry point runs beside the cluster's head. It refuses what can't go well with one line, then
has a Ray actor start the study's driver. A driver that dies, alone or with its node, is followed by
another one, as often as the order allows, which goes on from the storage; one that ends by itself,
be it with an error, is not.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.cluster.job_request import Order
from study.errors import StudyError
from study.execution.ray_runtime import CODE_PACKAGE

if TYPE_CHECKING:
    pass

ENTRYPOINT = "python -m study.cluster.job"
ORDER_VARIABLE = "STUDY_ORDER"
"""The environment variable in which a job finds its order, as JSON."""
ACCEPTED = "study-job accepted"
REFUSED = "study-job refused "
STOP_WITHIN_S = 60
"""A study that is asked to stop has so long to close its journal before Ray kills it."""
_ASK_AGAIN_S = 3.0
_POLL_S = 0.5
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """The job's process."""
    order = Order(**json.loads(os.environ[ORDER_VARIABLE]))
    with _empty_folder():
        sys.exit(_look_and_supervise(order))


def _look_and_supervise(order: Order) -> int:
    """Refuse what can't go well, or have the study driven to its end; an exit code."""
    import ray

    ray.init(log_to_driver=False, logging_level="CRITICAL")
    from study.cluster.preflight import check_cluster

    try:
        check_cluster(order)
    except (StudyError, OSError) as error:
        print(REFUSED + json.dumps(str(error)), flush=True)
        return 2
    print(ACCEPTED, flush=True)
    return _supervise(order)


def _supervise(order: Order) -> int:
    """Have the study driven to its end, by one driver after the other where they die; the exit code
    of the last.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    lines = ray.remote(_Lines).options(num_cpus=0, scheduling_strategy=here).remote()
    stop = _Stop(order)
    signal.signal(signal.SIGTERM, stop.ask)
    for _ in range(order.retries + 1):
        driver = ray.remote(_Driver).options(num_cpus=0, max_restarts=0).remote()
        code = driver.drive.remote(order, lines)
        while not ray.wait([code], timeout=_POLL_S)[0]:
            _show(lines)
            stop.repeat()
        _show(lines)
        try:
            ended = int(ray.get(code))
            if ended >= 0:
                return ended
            print(f"the driver died of signal {-ended}", flush=True)
        except ray.exceptions.RayActorError as error:
            print(f"the driver died: {str(error).strip().splitlines()[0]}", flush=True)
        if stop.wanted:
            return 130
    print(
        f"that was all {order.retries} retries; go on with: study resume {order.name} …", flush=True
    )
    return 3


def _show(lines: Any) -> None:
    """Put into the job's log what the driver has said."""
    import ray

    for line in ray.get(lines.take.remote()):
        print(line, flush=True)


class _Stop:
    """Passes a job's SIGTERM on to wherever the driver is, through the storage."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self.wanted = False
        self._asked = 0.0

    def ask(self, number: int, frame: Any) -> None:
        self.wanted = True

    def repeat(self) -> None:
        """Ask once more from time to time: a driver that just starts leaves aside what was asked
        before its day.
        """
        if not self.wanted or time.monotonic() - self._asked < _ASK_AGAIN_S:
            return
        from study.files import requests
        from study.lifecycle import existing

        self._asked = time.monotonic()
        requests.post(existing(self._order.name, self._order.storage), {"do": "stop"})


class _Lines:
    """An actor that holds what the driver says until the job's log takes it."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def say(self, line: str) -> None:
        self._lines.append(line)

    def take(self) -> list[str]:
        taken, self._lines = self._lines, []
        return taken


class _Driver:
    """An actor that has a study driven on whatever node Ray chose, by the ordinary command in a
    process of its own.

    To Ray that process is a job of its own, so that all that it held is free as soon as it is gone.
    """

    def drive(self, order: Order, lines: Any) -> int:
        """The driver's exit code; negative where a signal ended it."""
        import ray

        context = ray.get_runtime_context()
        lines.say.remote(f"driven on node {context.get_node_id()[:8]}")
        package = context.runtime_env.get("working_dir")
        environment = os.environ | ({CODE_PACKAGE: package} if package else {})
        with _empty_folder(), tempfile.TemporaryDirectory() as folder:
            command = [
                sys.executable,
                "-m",
                "study.cli",
                *_words_of(order, Path(folder)),
                "--address",
                context.gcs_address,
            ]
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
            assert process.stdout is not None
            for line in process.stdout:
                lines.say.remote(line.rstrip("\n"))
            code = process.wait()
        ray.get(
            lines.say.remote(f"exit code {code}")
        )  # what was said before it has arrived as well
        return code


def _words_of(order: Order, folder: Path) -> list[str]:
    """The command that does what an order says; a study file is put into ``folder``."""
    if order.study:
        file = folder / f"{order.name}.yaml"
        file.write_text(order.study)
        words = ["run", str(file)]
    else:
        words = ["resume", order.name]
        words += [f"--set={text}" for text in order.more.get("sets", ())]
        words += [
            f"--{key}={order.more[key]}"
            for key in ("points", "replicates")
            if order.more.get(key) is not None
        ]
    words += ["--storage", order.storage]
    for key, value in order.session.items():
        option = "--" + key.replace("_", "-")
        if value is True:
            words.append(option)
        elif value:
            words += [option, str(value)]
    return words


def _die_with_parent() -> None:
    """Let the kernel end this process with the actor that started it, however that ends."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def _empty_folder() -> Iterator[None]:
    """Stand in an empty folder: shipped code is found by its path, and Ray may unpack it anew under
    our feet.
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
