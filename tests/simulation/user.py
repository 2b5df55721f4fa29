"""Somebody who asks for something, or looks at the study, now and then."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from study.errors import JournalDamaged, StateLost, StudyError, UserError
from study.execution import lifecycle
from study.inspection.status import status_of
from study.results import parquet

from .people import Study
from .seen import promise
from .surroundings.faults import Faults
from .surroundings.world import Event, Host, Process, World
from .witness import Witness

MOST_COMMANDS = 12
MOST_ADDED = 5
"""So many points a user adds to a study at most, so that it comes to an end."""
MOST_EXTENSIONS = 3
MOST_COLLECTED = 2
COLLECT_EVERY_S = 15.0
CLOSING_S = 1.0
"""For so long a driver is held up that closes its study, while something is asked of it."""
STOPS_WITHIN_S = 12.0
"""So soon after Ray has started a driver follows a request to stop that came meanwhile."""


@dataclass
class Asked:
    """What a user has asked for, and what came of asking."""

    do: str
    values: dict[str, Any] = field(default_factory=dict)
    number: int = -1
    """The trial, or the point, where there is one of that number."""
    answer: str = "none"
    """``accepted``, ``refused``, or ``none`` where it isn't known."""


class User:
    """Asks for something, or looks at the study, now and then; each time by a command of its own."""

    def __init__(
        self, world: World, faults: Faults, witness: Witness, study: Study, *, until: Event
    ) -> None:
        self.asked: list[Asked] = []
        self._world = world
        self._faults = faults
        self._witness = witness
        self._study = study
        self._until = until
        self._home = Host("home")
        self._commands = 0
        self._wishes = [
            self._add,
            self._add,
            self._stop,
            self._stop_trial,
            self._drop,
            self._share,
            self._extend,
        ]

    def run(self) -> None:
        self._witness.after_close = self._ask_at_end
        while not self._until.wait(
            self._faults.chance.expovariate(1 / self._faults.request_every_s)
        ):
            if self._witness.records:
                self._do_one_of([*self._wishes, self._look])

    def make_tables(self) -> None:
        """Have the tables made a few times, whatever goes on meanwhile."""
        for _ in range(MOST_COLLECTED):
            if self._until.wait(self._faults.chance.expovariate(1 / COLLECT_EVERY_S)):
                return
            if self._witness.records:
                self._command(self._collect)

    def _ask_at_end(self) -> None:
        """Ask for a few things while a driver closes its study: it comes to that a moment later."""
        if self._until.is_set() or not self._faults.happens(self._faults.asking_at_end):
            return
        self._world.count("asked while a study is closed")
        self._world.start("user", self._home, self._do_some_things)
        self._world.sleep(CLOSING_S)

    def _do_some_things(self) -> None:
        for _ in range(self._faults.chance.randint(1, 4)):
            self._do_one_of(self._wishes)

    def _do_one_of(self, acts: Sequence[Callable[[], None]]) -> None:
        if self._commands < MOST_COMMANDS:
            self._commands += 1
            self._command(self._faults.chance.choice(acts))

    def _command(self, act: Callable[[], None]) -> None:
        """Run a command to its end, or until it is killed."""
        over = Event(self._world)

        def run() -> None:
            try:
                act()
            except OSError as error:
                self._world.tell("user", f"is told: {error}")
            over.set()

        process = self._world.start("user", self._home, run)
        process.at_death.append(over.set)
        self._faults.plan_for_user(process)
        over.wait()

    def _drivers(self) -> list[Process]:
        """The drivers that run just now."""
        return [
            process
            for process in self._world.processes
            if process.name.startswith("driver") and process.is_alive and not process.has_ended
        ]

    def _asked_for(self, do: str) -> int:
        """How often this was asked for."""
        return sum(asked.do == do for asked in self.asked)

    def _ask(self, asked: Asked, request: dict[str, Any]) -> None:
        self.asked.append(asked)
        self._world.count(f"request {asked.do}")
        self._world.tell("user", f"asks: {request}")
        study = self._study
        try:
            has_driver = lifecycle.post_request(study.spec.study, request, storage=study.storage)
            asked.answer = "accepted" if has_driver else "done"
            for driver in self._drivers():
                self._faults.plan_for_request(driver)
        except UserError as error:
            asked.answer = "refused"
            self._world.tell("user", f"is refused: {error}")
        except StudyError as error:
            self._world.tell("user", f"is told: {type(error).__name__}: {error}")
        else:
            self._world.tell("user", f"is answered: {asked.answer}")

    def _add(self) -> None:
        if self._asked_for("add") >= MOST_ADDED:
            return
        chance = self._faults.chance
        values = {"optimizer.name": "sgd", "optimizer.lr": round(chance.uniform(0.01, 0.9), 6)}
        self._ask(Asked("add", values), {"do": "add", "values": values})

    def _extend(self) -> None:
        """Have the driver that runs go on to more points."""
        spec = self._study.spec
        extended = self._asked_for("extend")
        if spec.sampler.name == "grid" or extended >= MOST_EXTENSIONS:
            return
        points = spec.points + extended + 1
        asked = Asked("extend", number=points)
        self.asked.append(asked)
        self._world.count("request extend")
        self._world.tell("user", f"extends to {points} points")
        try:
            lifecycle.extend(spec.study, storage=self._study.storage, points=points)
        except StudyError as error:
            self._world.tell("user", f"is told: {error}")
        else:
            asked.answer = "accepted"
            for driver in self._drivers():
                self._faults.plan_for_request(driver)

    def _stop(self) -> None:
        """Ask the driver to stop: it does, where there is one."""
        world = self._world
        running = self._drivers()
        asked = Asked("stop")
        moment = self._witness.moment()
        self._ask(asked, {"do": "stop"})
        if asked.answer != "accepted" or len(running) != 1:
            return
        driver = running[0]
        until = max(world.now, driver.has_ray_at) + STOPS_WITHIN_S
        if self._faults.answers_may_be_late:
            until = math.inf
        self._witness.stops.note_stop(driver, moment if driver.has_ray_at else None, until)

    def _stop_trial(self) -> None:
        trial = self._faults.chance.randrange(len(self._witness.trials) + 1)
        self._ask(Asked("stop_trial", number=trial), {"do": "stop_trial", "trial": trial})

    def _drop(self) -> None:
        if self._faults.chance.random() < 0.5:
            return
        points = len(self._witness.points)
        point = self._faults.chance.randrange(points + 1)
        number = point if point < points else -1
        self._ask(Asked("drop", number=number), {"do": "drop", "point": point})

    def _share(self) -> None:
        weight = self._faults.chance.choice([0.0, 0.5, 2.0])
        self._ask(Asked("share"), {"do": "share", "weight": weight})

    def _collect(self) -> None:
        """Have the tables made, as ``study collect`` does."""
        self._world.count("tables made by a user")
        self._finding_it_whole(lambda: parquet.write_tables(self._study.paths))

    def _look(self) -> None:
        """Look at the study as the commands do: a look changes nothing, and finds it whole."""
        self._world.count("look")
        self._finding_it_whole(self._look_around)

    def _look_around(self) -> None:
        status = status_of(self._study.paths)
        promise(status["trials"] <= len(self._witness.trials) + 4, "a status shows too much")
        if self._faults.chance.random() < 0.3:
            parquet.write_tables(self._study.paths)
        self._check_fresh_tables()

    def _finding_it_whole(self, act: Callable[[], object]) -> None:
        """Do something that reads all of the journal, in which nobody has damaged anything."""
        try:
            act()
        except (JournalDamaged, StateLost) as error:
            promise(self._study.may_be_stale, f"a look finds damage that nobody has done: {error}")
        except StudyError as error:
            self._world.tell("user", f"is told: {error}")

    def _check_fresh_tables(self) -> None:
        """Whether tables that are taken for fresh show what the journal holds."""
        with self._world.past_faults():
            self._witness.tables.check()
            tables = parquet.read_tables(self._study.paths)
            records = self._witness.raw_records(None)
        if tables is None or self._study.may_be_stale:
            return
        for event, column, table in (
            ("asked", "point", tables.points),
            ("started", "trial", tables.trials),
        ):
            expected = {record[column] for record in records if record["event"] == event}
            shown = set(table[column].to_pylist())
            promise(shown == expected, f"fresh tables show {column}s {shown}, not {expected}")
