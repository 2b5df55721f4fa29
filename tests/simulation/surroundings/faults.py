"""Which faults a seed's world has, how often, and when: drawn once, and then as things happen.

A seed has some kinds of faults and not others, so that they come alone and together.
"""

from __future__ import annotations

import errno
import os
import random
import signal
from collections.abc import Callable

from .refusals import Refusals
from .world import Host, Process, World

SHARE = 0.35
"""So many seeds have a given kind of fault."""
CLOCK_JUMPS_S = (-86_400.0, -3600.0, -30.0, 0.0, 30.0, 3600.0, 400 * 86_400.0)
UNSYNCED = "events.jsonl sync"
"""Between an append and its sync only a loss of power changes anything."""
PLACES = ["", "", "", "journal", "journal", "trials", "results", "study.", UNSYNCED, UNSYNCED]
"""Where a driver dies: at a step that concerns such a path, or does this with it."""
ERRORS_IN = ["", "", "checkpoints", "checkpoints", "requests", "results", "study."]
LONG_STEPS_S = (0.01, 0.3, 20.0)
DEATH_STEPS = (2, 8, 30, 100)
"""After about so many steps a driver dies."""
LARGE_SHARE = 0.2
"""So many studies are taken for large ones, whose tables are not made at once."""
TABLES_TAKE_S = (0.3, 3.0)
MERGE_EVERY = (2, 5, 12)
"""A simulated study has fewer records than one for which merging pays."""
RAY_STARTS_S = (5.0, 5.0, 60.0)
"""Within so many seconds Ray has started: one of its own, or a cluster's that has to grow."""


class Faults:
    """Draws the faults of one seed."""

    def __init__(self, world: World) -> None:
        self._world = world
        chance = random.Random(f"faults {world.seed}")
        self.chance = chance
        self._pokers = Host("elsewhere")
        self.is_healed = False
        """Whether nothing fails any more."""

        def rate(most: float) -> float:
            return chance.uniform(0, most) if chance.random() < SHARE else 0.0

        self.driver_death = chance.choice([0.0, 0.3, 0.7, 1.0])
        """How many drivers die, of those that are started while there are faults."""
        self.power_loss = chance.choice([0.0, 0.3, 1.0])
        """How many of these die with their machine."""
        self.signals = rate(0.6)
        self.freezing = rate(0.6)
        self.user_death = rate(0.4)
        self.request_death = rate(0.8)
        """How often a driver dies over what a user has asked for."""
        self.ray_start_s = chance.choice(RAY_STARTS_S)
        self.long_step = rate(0.02)
        self.errors_in = chance.choice(ERRORS_IN)
        """A part of the paths that a storage fails at; empty for any."""
        often = 5 if self.errors_in else 1  # where all fails often nothing begins at all
        self.errors = often * rate(0.03)
        self.read_errors = often * rate(0.15)
        self.short_writes = rate(0.3)
        self.windows_often = rate(0.8)
        self.worker_death = rate(0.4)
        self.node_death = rate(0.02)
        self.hanging = rate(0.05)
        self.unreachable = rate(1.0)
        """How often a worker that is to be killed can't be told so for a while."""
        self.cut_off = rate(0.05)
        self.doubled = rate(0.3)
        self.ray_loss = rate(0.02)
        self.tune_failure = rate(0.02)
        self.making_way = rate(0.2)
        """How often a trial has to make way for another study's."""
        self.training_failure = rate(0.1)
        self.orphans = chance.choice([0.0, 0.5, 1.0])
        self.damage = rate(0.2)
        self.clocks = rate(1.0)
        self.store_errors = often * rate(0.1)
        self.lost_answers = rate(0.1)
        self.late_requests = rate(0.05)
        self.stale_lists = rate(0.1)
        self.merge_every = chance.choice(MERGE_EVERY)
        """So many of a journal's objects are merged."""
        self.collect_every_s = chance.choice([30.0, 300.0])
        """How often a running study's tables are written, at most."""
        self.second_driver = rate(0.6)
        self.requests = rate(0.8)
        self.asking_at_end = rate(1.0)
        """How often something is asked for while a driver closes its study."""
        self.request_every_s = chance.choice([3.0, 15.0, 60.0])
        self.strangers = rate(0.6)
        of_tables = random.Random(f"making tables {world.seed}")
        is_large = of_tables.random() < LARGE_SHARE
        self.tables_take_s = of_tables.choice(TABLES_TAKE_S) if is_large else 0.0
        """How long tables are in the making, while others go on; where that is long users make
        some, too.
        """
        self.lose_power: Callable[[Host], None] = lambda host: None
        """What becomes of the disk where a host's power goes."""
        self._refusals = Refusals(world)
        self._torn: Process | None = None
        self._dies_after: Process | None = None

    def happens(self, rate: float) -> bool:
        """Whether a fault of this rate happens now."""
        return not self.is_healed and rate > 0 and self.chance.random() < rate

    def fails(self, rate: float, path: str) -> bool:
        """Whether a storage fails now, with this rate at the paths that it fails at."""
        return self.errors_in in path and self.happens(rate)

    def note(self, kind: str, what: str) -> None:
        """Count a fault, and tell what it concerns of the process that runs."""
        self._world.count(kind)
        self._world.tell(self._world.process.name, f"{kind}: {what}")

    def told(self) -> str:
        """The rates of the faults that there are."""
        rates = [(name, value) for name, value in vars(self).items() if type(value) is float]
        return ", ".join(f"{name} {value:.3g}" for name, value in rates if value)

    def heal(self) -> None:
        """Have nothing fail any more."""
        self.is_healed = True
        self._refusals.end()
        for process in self._world.processes:
            process.dies_at_step = None

    @property
    def answers_may_be_late(self) -> bool:
        """Whether a driver may take long to hear of something."""
        return any((self.freezing, self.windows_often, self.long_step))

    # --- planned deaths ---

    def plan_for(self, process: Process) -> None:
        """Decide what becomes of a driver that has just been started."""
        if self.happens(self.windows_often):
            self._refusals.plan(self.chance)
        self._world.start("poke", self._pokers, lambda: self.poke(process))
        if not self.happens(self.driver_death):
            return
        process.dies_in = self.chance.choice(PLACES)
        self._plan_death(process, int(self.chance.expovariate(1 / self.chance.choice(DEATH_STEPS))))

    def plan_for_request(self, process: Process) -> None:
        """Decide whether a driver dies over a request that was left for it just now."""
        if self.happens(self.request_death):
            process.dies_in = self.chance.choice(["requests", "journal", "journal"])
            self._plan_death(process, process.steps + self.chance.randint(0, 3))

    def _plan_death(self, process: Process, steps: int) -> None:
        """Have a process die at the step after so many."""
        process.dies_at_step = 1 + steps
        ways = ["before"] if process.dies_in == UNSYNCED else ["before", "torn", "after"]
        process.way_to_die = self.chance.choice(ways)

    def plan_for_user(self, process: Process) -> None:
        """Decide whether a user's command is killed before its end."""
        if self.happens(self.user_death):
            self._plan_death(process, self.chance.randint(0, 19))

    def poke(self, process: Process) -> None:
        """Ask a driver to end, or have it stand still, some time after its start."""
        world = self._world
        world.sleep(self.chance.expovariate(1 / 15))
        if not process.is_alive or process.has_ended:
            return
        if self.happens(self.clocks):
            world.count("clock jump while a driver runs")
            process.host.clock_offset_s = self.chance.choice(CLOCK_JUMPS_S)
        if self.happens(self.freezing):
            world.count("driver stands still")
            world.tell(process.name, "stands still")
            process.frozen_until = world.now + self.chance.choice([5.0, 60.0, 400.0])
        if self.happens(self.signals):
            world.count("SIGTERM")
            world.tell(process.name, "is asked to end")
            handler = process.handlers.get(signal.SIGTERM)
            if callable(handler):
                handler(signal.SIGTERM, None)
            else:
                world.kill(process, "driver ended by SIGTERM")

    def die(self, process: Process) -> None:
        """Have the running process die, alone or with its machine."""
        process.dies_at_step = None
        if process.dies_in == UNSYNCED or self.happens(self.power_loss):
            self.lose_host(process.host)
        self._world.kill(process, f"{process.name.split()[0]} killed")

    def lose_host(self, host: Host) -> None:
        """Take a machine's power away: its processes die, and what was not synced may be lost."""
        world = self._world
        running = None
        for process in world.processes:
            if process.host is host and process.is_alive:
                if world.current is not None and world.current.process is process:
                    running = process
                else:
                    world.kill(process, "process lost with its machine")
        world.tell(host.name, "loses power")
        self.lose_power(host)
        if running is not None:
            world.kill(running, "process lost with its machine")

    # --- a disk's calls ---

    @property
    def is_away(self) -> bool:
        return self._refusals.are_of_everything

    def before_change(self, what: str, path: str) -> None:
        """A process is about to change something: it may die, wait, or be refused."""
        process = self._world.process
        if process.dies_in in f"{path} {what}":
            process.steps += 1
        if self.is_healed:
            return
        if process.dies_at_step is not None and process.steps >= process.dies_at_step:
            self._take_its_way(process, what)
        if self.happens(self.long_step):
            self.note("slow storage", f"{what} {path}")
            self._world.sleep(self.chance.choice(LONG_STEPS_S))
        refusal = self._refusals.of(what)
        if refusal:
            self.note(f"storage {refusal.kind}", f"{what} {path}")
            raise OSError(refusal.error, os.strerror(refusal.error), path)
        if self.fails(self.errors, path):
            self.note("storage error", f"{what} {path}")
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    def _take_its_way(self, process: Process, what: str) -> None:
        """Have a process die now, in the middle of the next write, or once it has changed this."""
        if process.way_to_die == "after":
            self._dies_after = process
        elif process.way_to_die == "before" or what in ("put", "delete"):
            self.die(process)
        elif what == "write":
            self._torn = process

    def before_reading(self, path: str) -> None:
        if self.is_away:
            self.note("storage away", f"read {path}")
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        if self.fails(self.read_errors, path):
            self.note("read error", f"read {path}")
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    def part_that_is_written(self, data: bytes) -> int:
        """How many bytes of a write are carried out."""
        length = len(data)
        if self._torn is self._world.process:
            return self._place_to_tear(data)
        if length > 1 and self.happens(self.short_writes):
            self._world.count("short write")
            return self.chance.randint(1, length)
        return length

    def _place_to_tear(self, data: bytes) -> int:
        """Where a write breaks off: anywhere, or, as often, at the end of a line within it."""
        ends = [place + 1 for place, byte in enumerate(data[:-1]) if byte == ord("\n")]
        if ends and self.chance.random() < 0.5:
            return self.chance.choice(ends)
        return self.chance.randint(0, len(data))

    def after_part(self) -> None:
        if self._torn is not None and self._torn is self._world.process:
            self._torn = None
            self._world.count("torn write")
            self.die(self._world.process)
        self.after_change()

    def after_change(self) -> None:
        """Something was changed, of which the process may not come to know."""
        process = self._world.process
        if self._dies_after is process:
            self._dies_after = None
            self.die(process)
