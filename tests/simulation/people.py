"""Who starts a study's drivers, and what is known of the study that people share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from study.errors import JournalDamaged, StateLost, StudyError, StudyHalted
from study.execution import lifecycle
from study.execution.run import ProgressDisplay, RunResult
from study.files.layout import StudyPaths
from study.files.storage import StoragePath
from study.results.parquet import read_points_or_trials
from study.spec.spec import StudySpec

from .seen import promise
from .surroundings.faults import CLOCK_JUMPS_S, Faults
from .surroundings.world import Event, Host, Process, World
from .witness import Witness

MOST_ENDS = 12
"""A study that is not complete after so many drivers that nothing happened to never will be."""


class Display(ProgressDisplay):
    """Takes down what a driver says."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._name = name

    def say(self, message: str) -> None:
        self._world.tell(self._name, f"says: {message}")


@dataclass(eq=False)
class Driver:
    """A driver that was started."""

    process: Process
    over: Event
    began: float
    ended: float = 0.0
    result: RunResult | None = None
    error: Exception | None = None

    @property
    def is_complete(self) -> bool:
        return self.result is not None and self.result.reason in ("complete", "target")


@dataclass
class Study:
    """The study that people share."""

    spec: StudySpec
    storage: StoragePath
    may_be_stale: bool = False
    """Whether a listing may lack what is there."""
    may_be_replaced: bool = False
    """Whether somebody has put another file in the journal's place, with the same content."""

    @property
    def paths(self) -> StudyPaths:
        return StudyPaths(self.storage, self.spec.study)


class Operator:
    """Starts drivers until the study is complete, whatever becomes of them."""

    def __init__(self, world: World, faults: Faults, witness: Witness, study: Study) -> None:
        self.is_done = False
        self.drivers: list[Driver] = []
        self.study = study
        self._world = world
        self._faults = faults
        self._witness = witness
        self._hosts = [Host("alpha"), Host("beta")]
        self._keep_going = False
        self.extension: dict[str, Any] = faults.chance.choice(extensions_of(study.spec))
        """What the study is extended to, once it is complete."""
        self.before_end: Callable[[], None] = lambda: None
        """Called when nothing fails any more."""

    def run(self) -> None:
        """Drive the study through its faults, and then to its end."""
        chance = self._faults.chance
        for _ in range(chance.randint(0, 6)):
            driver = self._start()
            if self._faults.happens(self._faults.second_driver):
                self._world.sleep(chance.expovariate(1 / 10))
                self._world.count("second driver")
                second = self._start()
                second.over.wait()
            driver.over.wait()
            self._world.sleep(chance.choice([0.0, 1.0, 40.0, 200.0]))
            if driver.is_complete and self.extension and not self._was_extended:
                self._extend(**self.extension)
            elif driver.is_complete and chance.random() < 0.7:
                break
        self._faults.heal()
        self._world.tell("world", "nothing fails any more")
        self._world.sleep(100.0)
        self.before_end()
        self._to_the_end()
        if self.extension and not self._was_extended:
            self._extend(**self.extension)
            self._to_the_end()
        self.is_done = True

    def _to_the_end(self) -> None:
        for _ in range(MOST_ENDS):
            driver = self._start()
            driver.over.wait()
            if driver.is_complete:
                return
            if driver.result is not None and driver.result.reason == "wall_hours":
                self._extend(sets=["stop.wall_hours=1000000"])
        promise(False, f"the study is not complete after {MOST_ENDS} drivers: {driver.error}")

    def _check_hours_spent(self) -> None:
        """Whether the drivers have lived for as long as the study file allows them.

        Of earlier sessions nobody knows more than what the clock on the wall has shown.
        """
        limit_hours = self.study.spec.stop.wall_hours
        is_sure = not self._faults.clocks and not self._faults.requests
        is_known = self._witness.sessions == 1 or is_sure
        if limit_hours is not None and is_known:
            now = self._world.now
            spent_s = sum((driver.ended or now) - driver.began for driver in self.drivers)
            promise(spent_s >= limit_hours * 3600, f"the study stops after {spent_s} s")

    def _check_tables(self, result: RunResult) -> None:
        """Whether a driver that came to its own end has left tables of its whole journal.

        Somebody may have broken them since, or recorded something. The smallest one, which isn't
        the last to be written, stands for all of them.
        """
        if self._faults.strangers or self.study.may_be_stale:
            return
        with self._world.past_faults():
            table = read_points_or_trials(self.study.paths, "points")
            records = self._witness.raw_records(None)
        sessions = sum(record["event"] == "opened" for record in records)
        is_the_last = sessions == len(result.history.sessions)
        if is_the_last and records[-1]["event"] == "closed":
            promise(table is not None, "a driver has ended, and left no tables of its journal")

    def _extend(self, **changes: Any) -> None:
        """Resume the study with a change, in a driver that may come to nothing as any other."""
        self._world.count("extension")
        driver = self._start_with(
            f"extend the study: {changes}",
            lambda display: lifecycle.resume(
                self.study.spec.study, storage=self.study.storage, display=display, **changes
            ),
        )
        driver.over.wait()

    def _start(self) -> Driver:
        """Start a driver as users do: run the file again, or resume the study."""
        study, chance = self.study, self._faults.chance
        options: dict[str, Any] = {"keep_going": self._keep_going}

        def run(display: Display) -> RunResult:
            return lifecycle.run(study.spec, storage=study.storage, display=display, **options)

        def resume(display: Display) -> RunResult:
            return lifecycle.resume(
                study.spec.study, storage=study.storage, display=display, **options
            )

        def retry(display: Display) -> RunResult:
            return lifecycle.retry(
                study.spec.study, storage=study.storage, display=display, **options
            )

        if not self._witness.records:
            return self._start_with("run", run)
        if self._can_retry and chance.random() < 0.2:
            self._world.count("retry")
            return self._start_with("retry", retry)
        if self._was_extended or chance.random() < 0.7:
            return self._start_with("resume", resume)
        return self._start_with("run", run)

    @property
    def _can_retry(self) -> bool:
        points = [point for point in self._witness.points if not point.is_dropped]
        return any(trial.state == "FAIL" for point in points for trial in point.trials)

    @property
    def _was_extended(self) -> bool:
        return sum(record["event"] == "spec" for record in self._witness.records) > 1

    def _start_with(self, what: str, act: Callable[[Display], RunResult]) -> Driver:
        world, faults = self._world, self._faults
        host = faults.chance.choice(self._hosts)
        if faults.happens(faults.clocks):
            world.count("clock jump")
            host.clock_offset_s = faults.chance.choice(CLOCK_JUMPS_S)
        name = f"driver {len(self.drivers)}"
        over = Event(world)

        def drive() -> None:
            try:
                driver.result = act(Display(world, name))
                world.tell(name, f"ends: {driver.result.reason}")
                world.count(f"driver ended: {driver.result.reason}")
                if driver.result.reason == "wall_hours":
                    self._check_hours_spent()
                self._check_tables(driver.result)
            except (StudyError, OSError) as error:
                driver.error = error
                world.tell(name, f"ends: {type(error).__name__}: {error}")
                world.count(f"driver ended: {type(error).__name__}")
                self._judge(error)
            finally:
                if world.process.is_alive:
                    end()

        process = world.start(name, host, drive)
        world.tell(name, f"starts on {host.name}, to {what}")

        def end() -> None:
            driver.ended = driver.ended or world.now
            over.set()

        process.at_death.append(end)
        driver = Driver(process, over, world.now)
        self.drivers.append(driver)
        faults.plan_for(process)
        return driver

    def _judge(self, error: Exception) -> None:
        """Whether a driver may end with this error."""
        if isinstance(error, StudyHalted):
            self._keep_going = True
        if isinstance(error, StateLost) and self.study.may_be_replaced:
            return
        if isinstance(error, JournalDamaged | StateLost):
            promise(
                self.study.may_be_stale,
                f"{type(error).__name__} though nobody has damaged anything: {error}",
            )


def extensions_of(spec: StudySpec) -> list[dict[str, Any]]:
    """What may become of a study when it is extended, often nothing."""
    extensions: list[dict[str, Any]] = [{}, {}, {}, {"replicates": spec.replicates + 1}]
    if spec.sampler.name != "grid":
        extensions.append({"points": spec.points + 2})
    if spec.keep_checkpoints in ("last", "all"):
        epochs = spec.recipe_tree({})["epochs"] + 2
        extensions.append({"sets": [f"recipe.epochs={epochs}"]})
    return extensions
