"""A world in one process: simulated time, hosts, processes and their tasks, all from one seed.

A task is a greenlet, and one runs at a time. It gives way where it sleeps or waits, so that the
order in which things happen is the queue's, and the same for the same seed. Time costs nothing: it
leaps to the next moment at which a task has something to do.

``tell`` keeps the story of what happens, which a seed that fails is told by.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from greenlet import getcurrent, greenlet

EPOCH_S = 1.7e9
"""What the clock on the wall shows when a simulation begins, in seconds since 1970."""
LONGEST_S = 1e7
"""A world that lives longer than this stands still for ever."""


class Killed(BaseException):
    """The process in which this is raised is dead: it does nothing any more."""


class StandsStill(AssertionError):
    """Nothing will ever happen again, though not all is done."""


@dataclass(eq=False)
class Host:
    """A machine, whose clock need not be right."""

    name: str
    clock_offset_s: float = 0.0


@dataclass(eq=False)
class Process:
    """A process on a host. Its descriptors are closed, and its locks gone, when it dies."""

    name: str
    pid: int
    host: Host
    is_alive: bool = True
    tasks: list[Task] = field(default_factory=list)
    at_death: list[Callable[[], None]] = field(default_factory=list)
    """Called when the process has died."""
    handlers: dict[int, Any] = field(default_factory=dict)
    """What it does at a signal, by the signal's number."""
    steps: int = 0
    """How many times it has changed anything in a storage, at a place where it may die."""
    dies_in: str = ""
    """A part of the paths that it dies at; empty for any."""
    dies_at_step: int | None = None
    way_to_die: str = ""
    frozen_until: float = 0.0
    has_ray_at: float = 0.0
    """When the Ray has started that it waits for, or has waited for."""

    @property
    def has_ended(self) -> bool:
        """Whether its main task has come to its end."""
        return self.tasks[0].is_over


class Task:
    """A thread of a process."""

    def __init__(self, world: World, process: Process, run: Callable[[], object]) -> None:
        self.process = process
        self.is_over = False
        self.over = Event(world)
        """Set at its end."""
        self.turn = 0
        """Counts how often it has waited: a wake-up for an earlier wait is stale."""
        self.woken_by: object = None
        self._world = world
        self._run = run
        self.greenlet = greenlet(self._main)

    def _main(self) -> None:
        try:
            if self.process.is_alive:
                self._run()
        except Killed:
            pass
        finally:
            self.is_over = True
            self.over.set()


class Event:
    """As ``threading.Event``, for tasks."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._is_set = False
        self._waiting: list[tuple[Task, int]] = []

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        waiting, self._waiting = self._waiting, []
        for task, turn in waiting:
            self._world.wake(task, turn)

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        if self._is_set:
            return True
        task = self._world.running
        self._waiting.append((task, task.turn + 1))
        self._world.pause(timeout)
        return self._is_set


class OfThread(threading.local):
    """What each thread has of its own."""

    task: Task | None = None


class World:
    """All that is simulated hangs on one world."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(f"world {seed}")
        self.now = 0.0
        """True time, in seconds from the beginning."""
        self._of_thread = OfThread()
        self.story: list[tuple[float, str, str]] = []
        self.counts: Counter[str] = Counter()
        """How often each kind of fault, and of other things, has happened."""
        self.processes: list[Process] = []
        self.clean_up_after: Callable[[Process], None] = lambda process: None
        """What has to be done for each process when it dies."""
        self._queue: list[tuple[float, int, Task, int]] = []
        self._order = itertools.count()
        self._pids = itertools.count(1000)
        self._hub: greenlet | None = None

    @property
    def current(self) -> Task | None:
        """The task that runs now; None outside of the world, in other threads as well."""
        return self._of_thread.task

    @current.setter
    def current(self, task: Task | None) -> None:
        self._of_thread.task = task

    @contextmanager
    def past_faults(self) -> Iterator[None]:
        """Do something that no fault keeps from being done, and that takes no time."""
        current, self.current = self.current, None
        try:
            yield
        finally:
            self.current = current

    # --- what happens ---

    def tell(self, who: str, what: str) -> None:
        self.story.append((self.now, who, what))

    def count(self, what: str) -> None:
        self.counts[what] += 1

    # --- time ---

    @property
    def running(self) -> Task:
        task = self._of_thread.task
        assert task is not None
        return task

    @property
    def process(self) -> Process:
        """The process that runs now."""
        return self.running.process

    def wall_clock(self) -> float:
        return EPOCH_S + self.now + self.process.host.clock_offset_s

    def sleep(self, seconds: float) -> None:
        self.pause(max(0.0, seconds))

    def pause(self, timeout: float | None) -> None:
        """Let others run, until the time has passed or the task is woken."""
        task = self.running
        if task.process.frozen_until > self.now:
            stands_s = task.process.frozen_until - self.now
            timeout = stands_s if timeout is None else max(timeout, stands_s)
        task.turn += 1
        if timeout is not None:
            self._enter(self.now + timeout, task)
        assert self._hub is not None
        self._hub.switch()
        if not task.process.is_alive:
            raise Killed
        if task.process.frozen_until > self.now:  # woken while the process stands still
            self.pause(task.process.frozen_until - self.now)

    def wake(self, task: Task, turn: int) -> None:
        """Have a task go on that has paused, in its pause number ``turn``."""
        if task.turn == turn and not task.is_over:
            self._enter(self.now, task)

    def _enter(self, when: float, task: Task) -> None:
        heapq.heappush(self._queue, (when, next(self._order), task, task.turn))

    # --- processes ---

    def start(self, name: str, host: Host, run: Callable[[], object]) -> Process:
        """Start a process."""
        process = Process(name, next(self._pids), host)
        process.at_death.append(lambda: self.clean_up_after(process))
        self.processes.append(process)
        self.spawn(process, run)
        return process

    def spawn(self, process: Process, run: Callable[[], object]) -> Task:
        """Start a further task of a process."""
        task = Task(self, process, run)
        process.tasks.append(task)
        self._enter(self.now, task)
        return task

    def kill(self, process: Process, way: str) -> None:
        """End a process at once. Raises Killed where it is the one that runs."""
        if not process.is_alive:
            return
        process.is_alive = False
        process.frozen_until = 0.0
        self.count(way)
        self.tell(process.name, f"dies: {way}")
        for act in process.at_death:
            act()
        for task in process.tasks:
            if not task.is_over and task is not self.current:
                task.turn += 1
                self._enter(self.now, task)
        if self.current is not None and self.current.process is process:
            raise Killed

    def check_alive(self) -> Process:
        """Return the running process; raise Killed where it is dead."""
        process = self.running.process
        if not process.is_alive:
            raise Killed
        return process

    def run(self, is_over: Callable[[], bool]) -> None:
        """Let time pass until ``is_over``; raises what ended a task and should not have."""
        self._hub = getcurrent()
        while not is_over():
            if not self._queue:
                raise StandsStill("nothing is left to happen, and the study is not over")
            when, _, task, turn = heapq.heappop(self._queue)
            if task.is_over or turn != task.turn:
                continue
            if when > LONGEST_S:
                raise StandsStill("the study is not over after months")
            self.now = max(self.now, when)
            self._switch_to(task)

    def end(self) -> None:
        """Kill whatever is left, so that no task outlives its world."""
        self._hub = getcurrent()
        for process in self.processes:
            process.is_alive = False
        for process in self.processes:
            for act in process.at_death:
                act()
        for process in self.processes:
            for task in process.tasks:
                while task.greenlet and not task.is_over:
                    self._switch_to(task, ending=True)

    def _switch_to(self, task: Task, *, ending: bool = False) -> None:
        self.current = task
        task.greenlet.parent = getcurrent()
        try:
            task.greenlet.switch()
        except BaseException:
            if not ending:
                raise
        finally:
            self.current = None
