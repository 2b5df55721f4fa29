"""What a submitted study is on the cluster: the entry point of a Ray job, which looks around and supervises a driver.

The entry point runs beside the cluster's head. It refuses what can't go well with one line, then lets a Ray task drive
the study. A driver that dies, alone or with its node, is started again by Ray, as often as the order allows, and goes
on from the storage; a driver that ends by itself, be it with an error, is not.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.errors import StudyError

if TYPE_CHECKING:
    from study.spec import StudySpec

ENTRYPOINT = "python -m study.job"
ORDER_VARIABLE = "STUDY_ORDER"
"""The environment variable in which a job finds its order, as JSON."""
ACCEPTED = "study-job accepted"
REFUSED = "study-job refused "
STOP_WITHIN_S = 60
"""A study that is asked to stop has so long to close its journal before Ray kills it."""
ASK_AGAIN_S = 3.0
POLL_S = 0.5


@dataclass(frozen=True)
class Order:
    """What a job shall do: run a study file, or go on with the study in the storage where it has none."""

    name: str
    storage: str
    study: str = ""
    """The study file's text."""
    version: str = ""
    """The version of ray-study that every node must have; empty where the job brings its own."""
    retries: int = 3
    more: Mapping[str, Any] = field(default_factory=dict)
    """For a resume what it extends: ``points``, ``replicates``, ``sets``."""
    session: Mapping[str, Any] = field(default_factory=dict)
    """``data_dir``, ``keep_going``, ``wait_for_nodes`` and ``accept_loss`` of ``study.driver.Options``."""


def main() -> None:
    """The job's process."""
    order = Order(**json.loads(os.environ[ORDER_VARIABLE]))
    with empty_folder():
        sys.exit(look_and_supervise(order))


def look_and_supervise(order: Order) -> int:
    """Refuse what can't go well, or have the study driven to its end; an exit code."""
    import ray

    ray.init(log_to_driver=False, logging_level="CRITICAL")
    from study.preflight import check_cluster

    try:
        check_cluster(order)
    except (StudyError, OSError) as error:
        print(REFUSED + json.dumps(str(error)), flush=True)
        return 2
    print(ACCEPTED, flush=True)
    return supervise(order)


def supervise(order: Order) -> int:
    """Have the study driven to its end; the exit code that its driver gave."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    lines = ray.remote(Lines).options(num_cpus=0, scheduling_strategy=here).remote()
    stop = Stop(order)
    signal.signal(signal.SIGTERM, stop.ask)
    driver = ray.remote(drive).options(num_cpus=0, max_retries=order.retries).remote(order, lines)
    while True:
        done, _ = ray.wait([driver], timeout=POLL_S)
        for line in ray.get(lines.take.remote()):
            print(line, flush=True)
        stop.repeat()
        if done:
            break
    try:
        return int(ray.get(driver))
    except ray.exceptions.RayError as error:
        print(f"the driver died {order.retries + 1} times, last: {str(error).splitlines()[0]}", flush=True)
        print(f"go on with: study resume {order.name} --storage {order.storage}", flush=True)
        return 3


class Stop:
    """Passes a job's SIGTERM on to wherever the driver is, through the storage."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._wanted = False
        self._asked = 0.0

    def ask(self, number: int, frame: Any) -> None:
        self._wanted = True

    def repeat(self) -> None:
        """Ask once more from time to time: a driver that just starts leaves aside what was asked before its day."""
        if not self._wanted or time.monotonic() - self._asked < ASK_AGAIN_S:
            return
        from study import requests
        from study.lifecycle import existing

        self._asked = time.monotonic()
        requests.post(existing(self._order.name, self._order.storage), {"do": "stop"})


class Lines:
    """An actor that holds what the driver says until the job's log takes it."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def say(self, line: str) -> None:
        self._lines.append(line)

    def take(self) -> list[str]:
        taken, self._lines = self._lines, []
        return taken


class Outlet:
    """A text file whose lines go to the job's log."""

    def __init__(self, lines: Any) -> None:
        self._lines = lines
        self._begun = ""

    def write(self, text: str) -> int:
        *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            self._lines.say.remote(line)
        return len(text)

    def flush(self) -> None:
        pass


def drive(order: Order, lines: Any) -> int:
    """Drive the study from whatever node Ray chose; its exit code. Called again after a death it goes on."""
    import ray
    from rich.console import Console

    from study import api
    from study.progress import PlainLines

    outlet: Any = Outlet(lines)
    here = ray.get_runtime_context()
    outlet.write(f"driven by process {os.getpid()} on node {here.get_node_id()[:8]}\n")
    session = {**order.session, "address": here.gcs_address, "watcher": PlainLines(Console(file=outlet))}
    try:
        with empty_folder():
            if order.study:
                ended = api.run(spec_of(order), storage=order.storage, **session)
            else:
                ended = api.resume(order.name, storage=order.storage, **order.more, **session)
    except StudyError as error:
        outlet.write(f"{error}\n")
        code = error.exit_code
    else:
        outlet.write(f"study {order.name}: {ended.reason}, {len(ended.history.points)} points\n")
        code = ended.exit_code
    ray.get(lines.say.remote(f"exit code {code}"))  # what was said before it has arrived as well
    return code


def spec_of(order: Order) -> StudySpec:
    """The spec in an order."""
    from study.spec import load_spec

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"{order.name}.yaml")
        file.write_text(order.study)
        return load_spec(file)


@contextmanager
def empty_folder() -> Iterator[None]:
    """Stand in an empty folder: shipped code is found by its path, and Ray may unpack it anew under our feet."""
    with tempfile.TemporaryDirectory(prefix="study-job-") as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir("/")


if __name__ == "__main__":
    from study import job  # under its own name, by which the nodes know what they are sent

    job.main()
