"""What a study costs beside its trainings: trials that do nothing, on the embedded Ray, against
plain Tune.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

import study
from analysis.results import load
from study.controller.controller import Controller
from study.execution.live_progress import LiveProgress
from study.execution.on_ray.tune_bridge import Bridge
from study.execution.run import ProgressDisplay
from study.journal.history import History
from study.spec.load import spec_from_tree
from study.spec.spec import StudySpec

from .board import Board
from .conftest import write_nothing
from .test_bench_analysis import write_study
from .trees import CHILDREN, Trees, told

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600), pytest.mark.filterwarnings("default")]
TRIALS = int(os.environ.get("BENCH_TRIALS", "1000"))
LR = {"log": [1e-3, 1]}
WAITING = """\
import time


def train(config, session):
    waited_ms = 0.0
    for _ in range(200):
        time.sleep(0.02)
        began = time.perf_counter()
        session.report({"waited_ms": waited_ms})
        waited_ms = 1000 * (time.perf_counter() - began)
"""
"""A training that reports fifty times a second, each time how long the report before was under
way.
"""


@dataclass
class Meter(ProgressDisplay):
    """Notes the wall clock, the driver's processor time and its memory at each point that ends."""

    marks: list[tuple[float, float]] = field(default_factory=list)
    memory_bytes: list[int] = field(default_factory=list)
    all_cpu: list[float] = field(default_factory=list)
    """Processor seconds of all the session's processes, at the first end and at the last."""
    controller: Controller | None = None

    def begin(self, spec: StudySpec, controller: Controller, live: LiveProgress) -> None:
        self.controller = controller

    def tick(self) -> None:
        assert self.controller is not None
        while len(self.marks) < len(self.controller.history.trial_endings):
            self.marks.append((time.perf_counter(), time.process_time()))
            self.memory_bytes.append(psutil.Process().memory_info().rss)
            if len(self.marks) in (1, self.controller.spec.points):
                self.all_cpu.append(processor_seconds())

    def per_trial_ms(self, first: int, last: int) -> tuple[float, float]:
        """Wall and processor milliseconds of each trial from ``first`` to ``last``."""
        (wall, cpu), (wall_then, cpu_then) = self.marks[last - 1], self.marks[first]
        return 1000 * (wall - wall_then) / (last - 1 - first), 1000 * (cpu - cpu_then) / (
            last - 1 - first
        )


def processor_seconds() -> float:
    """What this process and all those that live below it have spent."""
    here = psutil.Process()
    spent = 0.0
    for process in (here, *here.children(recursive=True)):
        with suppress(psutil.Error):
            times = process.cpu_times()
            spent += times.user + times.system
    return spent


def run_study(
    folder: Path,
    name: str,
    points: int,
    seconds: float = 0.0,
    storage: str | None = None,
    **changes: Any,
) -> tuple[History, Meter]:
    """A free-running study of trials that do nothing for so many seconds, two at once; by default
    below ``folder``.
    """
    tree: dict[str, Any] = {
        "study": name,
        "points": points,
        "sampler": "random",
        "reproducible": False,
        "concurrency": 2,
        "recipe": write_nothing(folder, seconds),
        "space": {
            "optimizer": {"one_of": {"sgd": {"lr": LR}, "adam": {"lr": {"log": [1e-5, 1e-2]}}}}
        },
    }
    meter = Meter()
    where = storage or folder / "studies"
    ended = study.run(spec_from_tree(tree | changes), storage=where, progress=meter)
    return ended.history, meter


def run_tune(folder: Path, trials: int) -> float:
    """The ordinary pattern: a function, OptunaSearch, default loggers; milliseconds a trial, from
    end to end.
    """
    import ray
    from ray import tune
    from ray.tune.search.optuna import OptunaSearch

    def train(config: dict[str, Any]) -> None:
        tune.report({"val_accuracy": config["lr"]})

    ends: list[float] = []

    class Ends(tune.Callback):  # type: ignore[misc]
        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            ends.append(time.perf_counter())

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        tune.Tuner(
            train,
            param_space={"lr": tune.loguniform(1e-3, 1)},
            tune_config=tune.TuneConfig(
                search_alg=OptunaSearch(metric="val_accuracy", mode="max"),
                num_samples=trials,
                max_concurrent_trials=2,
            ),
            run_config=tune.RunConfig(storage_path=str(folder), verbose=0, callbacks=[Ends()]),
        ).fit()
    finally:
        ray.shutdown()
    assert len(ends) == trials
    return 1000 * (ends[-1] - ends[0]) / (trials - 1)


def nothing_ms(tree: Path) -> tuple[float, float]:
    """Wall and driver's processor milliseconds for a trial that does nothing, with a tree's code."""
    child = str(CHILDREN / "nothing.py")
    with tempfile.TemporaryDirectory() as folder:
        said = told(tree, child, str(TRIALS), cwd=Path(folder))
    wall, driver = json.loads(said.splitlines()[-1])
    return wall, driver


def test_a_thousand_trials_of_nothing(place: Path, board: Board, trees: Trees) -> None:
    found, found_before = trees.in_turns(nothing_ms, 1)
    wall_before, driver_before = found_before[0] if found_before else (None, None)
    before = run_tune(place / "tune-1", 10)
    history, meter = run_study(place, "nothing", TRIALS)
    after = run_tune(place / "tune-2", 10)
    assert [point.state for point in history.points] == ["COMPLETE"] * TRIALS
    assert len({point.values["optimizer.lr"] for point in history.points}) == TRIALS
    wall, driver = found[0]
    cpu = 1000 * (meter.all_cpu[-1] - meter.all_cpu[0]) / (TRIALS - 1)
    early, late = (
        meter.per_trial_ms(TRIALS // 10, TRIALS // 5)[1],
        meter.per_trial_ms(TRIALS * 9 // 10, TRIALS)[1],
    )
    board.at_most(
        f"a trial that does nothing, of {TRIALS}, durable journal included",
        wall,
        8,
        "ms",
        wall_before,
    )
    board.at_most("- of it the driver's processor time", driver, 5, "ms", driver_before)
    board.shown("- processor time of all processes", f"{cpu:.1f} ms")
    board.at_least(
        "- plain Tune's time for one (10 before, 10 after) over ours",
        min(before, after) / wall,
        75,
        "×",
    )
    board.at_most(
        "- the driver's time for the last tenth of the trials over the second tenth",
        late / early,
        1.2,
        "×",
    )


def test_a_worker_waits_for_no_suggestion(
    place: Path, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study(place / "studies", "earlier", 600, 1)
    waits: list[float] = []
    next_config = Bridge.next_config

    def timed(self: Bridge, trial_id: str) -> Any:
        began = time.perf_counter()
        suggestion = next_config(self, trial_id)
        if isinstance(suggestion, dict):
            waits.append(1000 * (time.perf_counter() - began))
        return suggestion

    monkeypatch.setattr(Bridge, "next_config", timed)
    space = {"optimizer": {"one_of": {"adam": {"lr": {"log": [1e-5, 1]}}}}}
    for reproducible in (True, False):
        waits.clear()
        name = "reproducible" if reproducible else "free-running"
        changes: dict[str, Any] = {"sampler": "tpe", "reproducible": reproducible, "space": space}
        history, _ = run_study(place, name, 30, 1.0, warm_start=["earlier"], **changes)
        assert len(waits) == len(history.points) == 30
        what = f"median wait for a suggestion: tpe after 600 points, trials of 1 s, {name}"
        board.at_most(what, statistics.median(waits[2:]), 2, "ms")


@pytest.mark.parametrize(("seconds", "trials", "goal"), [(10, 8, 95), (2, 20, 90)])
def test_workers_train_nearly_all_the_time(
    seconds: int, trials: int, goal: float, place: Path, board: Board
) -> None:
    history, _ = run_study(place, f"of-{seconds}-seconds", trials, seconds)
    attempts = [trial.attempt for trial in history.trials]
    assert len(attempts) == trials
    inside, there = 0.0, 0.0
    for pid in {attempt.pid for attempt in attempts}:
        ends = sorted(attempt.ended_at or 0.0 for attempt in attempts if attempt.pid == pid)
        inside += seconds * (len(ends) - 1)
        there += ends[-1] - ends[0]
    what = f"share of the workers' time inside train(), trials of {seconds} s"
    board.at_least(f"{what}, from each one's first end on", 100 * inside / there, goal, "%")


def test_an_epoch_s_way_to_the_journal_and_back(place: Path, board: Board) -> None:
    (place / "waiting.py").write_text(WAITING)
    tree = {
        "study": "waiting",
        "train": "waiting:train",
        "objective": {"metric": "waited_ms", "direction": "minimize"},
        "points": 2,
        "concurrency": 2,
        "sampler": "random",
        "reproducible": False,
        "space": {"x": {"uniform": [0, 1]}},
    }
    study.run(spec_from_tree(tree), storage=place / "studies", progress=False)
    waits = load("waiting", storage=place / "studies").epochs["waited_ms"][10:]
    what = "median of an epoch's way from a worker to its durable record and back, 2 workers"
    board.at_most(what, float(waits.median()), 10, "ms")
    board.shown("- the 95th percentile", f"{waits.quantile(0.95):.1f} ms")
