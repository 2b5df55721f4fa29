"""A study on a store that fails, whose driver is killed or taken over again and again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any

from study.errors import OutsideFault, UserError
from study.files.layout import StudyPaths
from study.files.object_storage import ObjectPath
from study.journal.history import History
from study.journal.journal import read_records
from study.results.parquet import read_tables, write_tables
from study.spec.load import load_spec

from ..study.command import STARTED, check_exact, kill, outcome, write_study
from ..study.fake_cluster import Storage, controller_on, drive
from .driver_without_ray import EPOCH_S, nominal_cost
from .faulty_store import FaultyStore

DRIVER = Path(__file__).with_name("driver_without_ray.py")
PATIENCE_S = 240.0
ENDS_WELL_OR_NAMED = (0, UserError.exit_code, OutsideFault.exit_code)
"""A user's mistake is none of these faults, but some are still told as one: see
``test_taken_over``.
"""
ENDS = 12
"""A study that is not complete after so many drivers that nobody touched never will be."""
PRUNERS = [
    {"name": "asha", "min_epochs": 1, "reduction": 2},
    {"name": "median"},
    {"name": "hyperband"},
    "none",
]
ONCE = {"told": "point", "ended": "trial", "finished": "trial"}
"""Events that each point, or each trial, has once at most, where nothing is reopened."""


@dataclass
class HarriedStudy:
    """Study ``number`` below ``bucket``; ``store`` is how its drivers see that."""

    number: int
    folder: Path
    bucket: ObjectPath
    store: FaultyStore
    points: int = 8
    epoch_s: float = 0.05
    drivers: list[Popen[str]] = field(default_factory=list)
    ways: Counter[str] = field(default_factory=Counter)
    """What was done to its drivers."""
    outputs: list[tuple[int, str]] = field(default_factory=list)
    """Exit code and output of each driver that has ended."""

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.chance = random.Random(self.number)
        self.file = write_study(
            self.folder,
            points=self.points,
            sampler={"name": "tpe", "seed": self.number},
            pruner=PRUNERS[self.number % len(PRUNERS)],
            replicates=1 + self.number % 2,
            reproducible=True,
            recipe={"epochs": 3, "data": {"name": "digits"}, "model": "mlp"},
        )

    @property
    def paths(self) -> StudyPaths:
        """The study as one sees it who isn't behind the faulty store."""
        return StudyPaths(self.bucket, "tiny")

    # --- drivers ---

    def start(self) -> Popen[str]:
        """Start one more driver."""
        there = self.paths.journal.exists()
        words = ["resume", "tiny"] if there else ["run", str(self.file)]
        process = Popen(
            [sys.executable, str(DRIVER), *words, "--storage", str(self.bucket)],
            cwd=self.folder,
            env=os.environ
            | {
                "AWS_ENDPOINT_URL": self.store.address,
                EPOCH_S: str(self.epoch_s),
                "COLUMNS": "200",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        STARTED.append(process)
        self.drivers.append(process)
        return process

    def wait(self, condition: Callable[[], bool], process: Popen[str]) -> None:
        """Wait for a condition, or for a driver's end."""
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None and not condition():
            assert time.monotonic() < deadline, f"study {self.number} stands still"
            time.sleep(0.05)

    def appends(self) -> int:
        return sum(1 for _ in self.paths.journal.objects_below())

    def wait_for_the_moment(self, process: Popen[str]) -> None:
        """Wait until a driver has written something, now less, now more."""
        more = self.appends() + self.chance.randrange(12)
        self.wait(lambda: self.appends() >= more, process)
        time.sleep(self.chance.random() * 0.1)

    def harry(self, takeovers: int) -> None:
        """Have one driver after another take the study over: from one that was killed, that stands
        still and goes on later, or that goes on beside it.
        """
        for _ in range(takeovers):
            process = self.start()
            self.wait_for_the_moment(process)
            if process.poll() is None:
                self.mistreat(process)
            read_records(self.paths.journal)  # which raises where it is damaged

    def mistreat(self, process: Popen[str]) -> None:
        way = self.chance.choice(["killed", "killed", "frozen", "left beside"])
        self.ways[way] += 1
        if way == "killed":
            kill(process)
            self.drivers.remove(process)
        elif way == "frozen":
            process.send_signal(signal.SIGSTOP)

    def finish(self) -> None:
        """Drive the study to its end; those that stood still find out meanwhile or after it."""
        for number in range(ENDS):
            process = self.start()
            if number == 0 and self.chance.random() < 0.5:
                self.wait_for_the_moment(process)
                self.thaw()
            self.wait(lambda: False, process)
            self.thaw()
            if process.returncode == 0:
                break
        self.collect_outputs()
        assert self.outputs[-1][0] == 0, self.outputs[-1][1]

    def thaw(self) -> None:
        for process in self.drivers:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)

    def collect_outputs(self) -> None:
        """Wait for every driver that was not killed, in the order in which they were started."""
        for process in self.drivers:
            output, _ = process.communicate(timeout=PATIENCE_S)
            self.outputs.append((process.returncode, output))

    # --- what came of it ---

    def history(self) -> History:
        return History(read_records(self.paths.journal))

    def check_messages(self) -> None:
        """A driver that was not killed ends well, or with a fault in one line that says where."""
        for code, output in self.outputs:
            assert code in ENDS_WELL_OR_NAMED, output
            assert "Traceback" not in output, output
            if code:
                last = output.splitlines()[-1]
                assert "has taken the study over" in last or str(self.bucket) in last, output

    def check_exact(self) -> None:
        """Every point, trial and epoch is there once."""
        check_exact(self.history(), self.points)
        events = read_records(self.paths.journal)
        for kind, per in ONCE.items():
            counts = Counter(event[per] for event in events if event["event"] == kind)
            assert set(counts.values()) == {1}, f"{kind} twice"

    def check_tables(self) -> None:
        """The tables that a reader meets are those that the journal gives."""
        found = read_tables(self.paths)
        self.paths.results.remove_tree()
        write_tables(self.paths)
        made_anew = read_tables(self.paths)
        assert found is not None, "the drivers left tables that are older than the journal"
        assert made_anew is not None
        for name, table in vars(made_anew).items():
            assert vars(found)[name].equals(table), name

    def check_outcome(self) -> None:
        """It is what an undisturbed run comes to, whatever time its trials take."""
        assert outcome(self.history()) == outcome(undisturbed(self.file))

    def __str__(self) -> str:
        faults = ", ".join(f"{count} {fault}" for fault, count in self.store.faults.items())
        ways = ", ".join(f"{count} {way}" for way, count in self.ways.items())
        superseded = sum("has taken the study over" in output for _, output in self.outputs)
        return (
            f"study {self.number}: {self.store.requests} requests ({faults}); drivers: {ways};"
            f" {superseded} superseded"
        )


def undisturbed(file: Path) -> History:
    """The study in memory, on a fake cluster of its own."""
    cost: Callable[[Any], float] = nominal_cost
    controller = controller_on(Storage(), load_spec(file), nominal_cost=cost)
    drive(controller, seed=1)
    return controller.history
