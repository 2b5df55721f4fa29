"""Everything that the simulator puts in the place of Python's, the system's and Ray's own.

Outside this file and the replacements of disk and store nothing of the project or its surroundings
is replaced. What stands here is the lowest that there is: clocks, names of processes, threads,
signals, Ray. What the project remembers for the length of a process begins empty in each world.
"""

from __future__ import annotations

import os
import signal
import socket
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from study.execution import lifecycle, open_run, open_study, provenance, resources, signals
from study.execution.on_ray import ray_runtime, tune_bridge, tune_executor, worker_loss
from study.execution.own_code import hashes
from study.execution.own_code.look import Look
from study.execution.retention import housekeeping
from study.execution.user import trust
from study.files import atomic, lock, object_storage, requests
from study.files.storage import StoragePath
from study.journal.journal import Journal
from study.journal.log import log_storage
from study.results import parquet
from study.spec import load
from study.training import checkpoint

from ..witness import Witness
from . import plain_torch
from .tune import SimulatedTune
from .world import Event, World

Replacement = tuple[object, str, object]
REAL_APPEND = Journal.append
REAL_POST = requests.post
REAL_TABULATE, REAL_WRITE_TABLES = parquet.tabulate, parquet.write_tables
REAL_TIME, REAL_NS, REAL_MONOTONIC, REAL_SLEEP = (
    time.time,
    time.time_ns,
    time.monotonic,
    time.sleep,
)
REAL_PID, REAL_HOST, REAL_UUID = os.getpid, socket.gethostname, uuid.uuid4
CPUS = 4


@contextmanager
def replaced(replacements: Sequence[Replacement]) -> Iterator[None]:
    """Put stand-ins in the place of attributes for the length of the block."""
    before = [(owner, name, owner.__dict__[name]) for owner, name, _ in replacements]
    try:
        for owner, name, stand_in in replacements:
            setattr(owner, name, stand_in)
        yield
    finally:
        for owner, name, former in before:
            setattr(owner, name, former)


def surroundings(world: World, tune: SimulatedTune, witness: Witness) -> list[Replacement]:
    """The surroundings of a world's processes: owner, attribute, stand-in."""
    return [
        *_clocks(world),
        *_system(world),
        *_threads(world),
        *_ray(world, tune),
        *_own_code(),
        (log_storage, "MERGE_EVERY", tune.faults.merge_every),
        (housekeeping, "COLLECT_EVERY_S", tune.faults.collect_every_s),
        (Journal, "append", _observed_append(witness)),
        (requests, "post", _observed_post(witness)),
        (parquet, "tabulate", _tabulating(world, tune.faults.tables_take_s)),
        (parquet, "write_tables", _observed_tables(world, witness)),
        (atomic, "_durable", set()),
        (load, "_READ_BEFORE", OrderedDict()),
        (checkpoint, "torch", plain_torch),
        (provenance, "of_process", lambda: {"host": socket.gethostname()}),
        (provenance, "command", lambda: "study run simulated"),
        (open_study, "_nominal_cost", nominal_cost),
        (open_run, "_load_costs", lambda: None),
        (open_run, "count_own_rays", lambda: 0),
        (resources, "machine_cpus", lambda: CPUS),
    ]


def nominal_cost(recipe: Any) -> float:
    """What an epoch costs on the virtual clock: counting operations needs torch."""
    return 1.0 if recipe.optimizer.name == "sgd" else 1.5


def _clocks(world: World) -> list[Replacement]:
    def of_world(simulated: Callable[[], Any], real: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: real() if world.current is None else simulated()

    def sleep(seconds: float) -> None:
        if world.current is None:
            REAL_SLEEP(seconds)
        else:
            world.sleep(seconds)

    return [
        (time, "time", of_world(world.wall_clock, REAL_TIME)),
        (time, "time_ns", of_world(lambda: int(world.wall_clock() * 1e9), REAL_NS)),
        (time, "monotonic", of_world(lambda: world.now, REAL_MONOTONIC)),
        (time, "sleep", sleep),
    ]


def _system(world: World) -> list[Replacement]:
    def of_process(read: Callable[[], Any], real: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: real() if world.current is None else read()

    def new_uuid() -> uuid.UUID:
        if world.current is None:
            return REAL_UUID()
        return uuid.UUID(int=world.chance.getrandbits(128), version=4)

    def catch(number: int, handler: Any) -> Any:
        former = world.process.handlers.get(number, signal.SIG_DFL)
        world.process.handlers[number] = handler
        return former

    caught = SimpleNamespace(signal=catch, SIGINT=signal.SIGINT, SIGTERM=signal.SIGTERM)
    return [
        (os, "getpid", of_process(lambda: world.process.pid, REAL_PID)),
        (socket, "gethostname", of_process(lambda: world.process.host.name, REAL_HOST)),
        (uuid, "uuid4", new_uuid),
        (signals, "signal", caught),
    ]


def _threads(world: World) -> list[Replacement]:
    class Thread:
        """As ``threading.Thread``: a further task of the process."""

        def __init__(self, target: Callable[[], object], name: str = "", daemon: bool = False):
            self._target = target

        def start(self) -> None:
            self._task = world.spawn(world.process, self._target)

        def join(self, timeout: float | None = None) -> None:
            self._task.over.wait(timeout)

    threads = SimpleNamespace(Thread=Thread, Event=lambda: Event(world))
    return [
        (lock, "threading", threads),
        (open_run, "threading", threads),
        (log_storage, "ThreadPoolExecutor", OneAfterTheOther),
    ]


class OneAfterTheOther:
    """A pool of threads that does one thing after the other."""

    def __init__(self, workers: int) -> None:
        pass

    def __enter__(self) -> OneAfterTheOther:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def map(self, act: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
        return map(act, items)


class NoFolder:
    """Stands in the place of Tune's temporary folder."""

    path = ""

    def __init__(self, prefix: str) -> None:
        pass

    def __enter__(self) -> NoFolder:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def _ray(world: World, tune: SimulatedTune) -> list[Replacement]:
    def connect(self: Any, *args: Any, **options: Any) -> None:
        wait = world.chance.uniform(0.0, tune.faults.ray_start_s)
        world.process.has_ray_at = world.now + wait
        world.sleep(wait)

    connection = ray_runtime.RayConnection
    return [
        (connection, "connect", connect),
        (connection, "restart", lambda self: None),
        (connection, "node_resources", lambda self: [{"CPU": float(CPUS)}]),
        (ray_runtime, "ENVIRONMENT", {}),
        (tune_executor, "load_tune", lambda: None),
        (tune_executor, "execute_trials", tune.execute_trials),
        (tune_executor, "_run_tune", tune.run_tune),
        (tune_executor, "TemporaryFolder", NoFolder),
        (tune_bridge, "forget_results", lambda trial: None),
        (tune_bridge, "kill_worker", tune.kill_worker),
        (tune_bridge, "ask_to_set_aside", tune.ask_to_set_aside),
        (tune_bridge, "is_node_alive", tune.is_node_alive),
        (worker_loss, "error_text", tune.error_text),
        (object_storage, "client", lambda root: root),
    ]


def _own_code() -> list[Replacement]:
    """A study's own code is there, trusted and ever the same; nobody loads it."""
    return [
        (lifecycle, "look_at_code", lambda spec, **options: Look()),
        (hashes, "own_code_hash", lambda reference: "0" * 64),
        (trust, "check_trusted", lambda study, names, first_record: None),
        (trust, "remember", lambda names, first_record: None),
    ]


def _observed_append(witness: Witness) -> Any:
    def append(self: Journal, *records: Any) -> None:
        first = self.record_count
        REAL_APPEND(self, *records)
        witness.acknowledge(first, records)

    return append


def _observed_post(witness: Witness) -> Any:
    def post(*args: Any) -> StoragePath:
        request = REAL_POST(*args)
        witness.stops.note_post(request, is_open=witness.is_open)
        return request

    return post


def _tabulating(world: World, takes_s: float) -> Any:
    def tabulate(*args: Any, **options: Any) -> Any:
        if takes_s:
            world.sleep(takes_s)
        return REAL_TABULATE(*args, **options)

    return tabulate


def _observed_tables(world: World, witness: Witness) -> Any:
    def write_tables(*args: Any, **options: Any) -> bool:
        is_written = REAL_WRITE_TABLES(*args, **options)
        with world.past_faults():
            witness.tables.check(["trials"])  # the last that is written, with each epoch
        return is_written

    return write_tables
