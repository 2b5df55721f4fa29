"""Fifty studies on a thousand workers over a month: shares beside first come, first served.

The broker is the product's own, on a virtual clock; trials are counted in epochs of half an hour.
"""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from study.execution.on_ray.sharing.broker import Broker
from study.execution.on_ray.sharing.division import Claim, divide
from study.execution.on_ray.sharing.messages import Part, Standing

from .board import Board

pytestmark = pytest.mark.bench

STEP_H = 0.5
STEPS = 30 * 48
NODES = {f"node-{number}": {"CPU": 100.0} for number in range(10)}
WORKERS = 1_000
WORK = 1_000_000
"""Epochs of all studies together: two thirds of what the month has room for."""
LAST_ARRIVAL = 20 * 48
LOOK_EVERY = 12
"""So often, in steps, is compared what each study has with what it is due."""


@dataclass
class SimulatedStudy:
    name: str
    arrives: int
    share: float
    concurrency: int
    epochs: int
    """Of each of its trials."""
    trials: int
    waiting: list[int] = field(default_factory=list)
    """The epochs that each trial has left which doesn't run; the last one starts first."""
    running: dict[str, list[int]] = field(default_factory=dict)
    """The same of those that run, by node."""
    started: int | None = None
    ended: int | None = None
    set_aside: int = 0
    parts: list[float] = field(default_factory=list)
    """Of what it was due it had so much, each time that was looked at."""

    def __post_init__(self) -> None:
        self.waiting = [self.epochs] * self.trials

    @property
    def held(self) -> dict[str, int]:
        return {node: len(trials) for node, trials in self.running.items() if trials}

    @property
    def holds(self) -> int:
        return sum(self.held.values())

    @property
    def wants(self) -> int:
        return min(self.concurrency, self.holds + len(self.waiting))

    @property
    def hours_alone(self) -> float:
        rounds = math.ceil(self.trials / min(self.concurrency, WORKERS))
        return rounds * self.epochs * STEP_H

    @property
    def hours_taken(self) -> float:
        return ((self.ended or STEPS) - self.arrives) * STEP_H

    @property
    def hours_waited(self) -> float:
        return ((STEPS if self.started is None else self.started) - self.arrives) * STEP_H


def studies(seed: int) -> list[SimulatedStudy]:
    chance = random.Random(seed)
    sizes = [chance.lognormvariate(0, 1.3) for _ in range(50)]
    made = []
    for number, size in enumerate(sizes):
        epochs = chance.choice([4, 8, 16, 30])
        trials = max(4, round(WORK * size / sum(sizes) / epochs))
        most = max(4, trials // 2)
        least = math.ceil(trials * epochs / (5 * 48))  # so that it takes five days at most alone
        made.append(
            SimulatedStudy(
                name=f"study-{number:02d}",
                arrives=chance.randrange(LAST_ARRIVAL),
                share=chance.choice([1.0, 1.0, 1.0, 1.0, 2.0, 4.0]),
                concurrency=max(least, min(most, chance.choice([20, 50, 100, 300, 600]))),
                epochs=epochs,
                trials=trials,
            )
        )
    return sorted(made, key=lambda study: study.arrives)


Present = list[SimulatedStudy]
Place = Callable[[Present, Counter[str], float], None]


def first_come(present: Present, free: Counter[str], now: float) -> None:
    """Whoever came first starts as much as it wants; nobody makes way."""
    for study in present:
        start(study, study.wants - study.holds, free)


class Shared:
    """As drivers on a cluster with a broker do."""

    def __init__(self) -> None:
        self._now = 0.0
        self._broker = Broker(lambda: NODES, lambda: self._now)

    def __call__(self, present: Present, free: Counter[str], now: float) -> None:
        self._now = now
        for study in present:
            self._ask(study)
        self._now += 2.0  # by when all have been heard
        parts = {study.name: self._ask(study) for study in present}
        for study in present:
            for node, count in parts[study.name].leave.items():
                for _ in range(count):
                    study.waiting.append(study.running[node].pop())
                    free[node] += 1
                    study.set_aside += 1
        for study in present:
            most = parts[study.name].most
            room = study.wants if most is None else min(most, study.wants)
            start(study, room - study.holds, free)

    def _ask(self, study: SimulatedStudy) -> Part:
        standing = Standing(
            study.name, study.name, study.share, {"CPU": 1.0}, study.wants, study.held
        )
        return Part.of_text(self._broker.meet(standing.text()))


def start(study: SimulatedStudy, count: int, free: Counter[str]) -> None:
    for node in NODES:
        for _ in range(min(free[node], count, len(study.waiting))):
            study.running.setdefault(node, []).append(study.waiting.pop())
            free[node] -= 1
            count -= 1


def simulate(place: Place, seed: int) -> tuple[list[SimulatedStudy], float]:
    """Return the studies after a month, and how much of it the workers were busy for which there
    was work.
    """
    everybody = studies(seed)
    free = Counter({node: int(found["CPU"]) for node, found in NODES.items()})
    busy = wanted = 0
    for step in range(STEPS):
        present = [s for s in everybody if s.arrives <= step and s.ended is None]
        place(present, free, step * STEP_H * 3600)
        busy += sum(study.holds for study in present)
        wanted += min(WORKERS, sum(study.wants for study in present))
        if step % LOOK_EVERY == 0:
            look(present)
        for study in present:
            run_an_epoch(study, step, free)
    return everybody, busy / wanted


def run_an_epoch(study: SimulatedStudy, step: int, free: Counter[str]) -> None:
    if study.started is None and study.holds:
        study.started = step
    for node, trials in study.running.items():
        left = [epochs - 1 for epochs in trials if epochs > 1]
        free[node] += len(trials) - len(left)
        study.running[node] = left
    if not study.holds and not study.waiting:
        study.ended = step + 1


def look(present: Present) -> None:
    """Compare what each has with what it is due, where not all find room."""
    if sum(study.wants for study in present) <= WORKERS:
        return
    claims = [Claim(s.name, s.share, {"CPU": 1.0}, s.wants) for s in present]
    due = divide({"all": {"CPU": float(WORKERS)}}, claims)
    for study in present:
        study.parts.append(min(2.0, study.holds / max(1, due[study.name].total())))


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[round(part * (len(values) - 1))]


def row(what: str, after: list[SimulatedStudy], busy: float) -> str:
    waits = [study.hours_waited for study in after]
    slow = [study.hours_taken / study.hours_alone for study in after]
    small = [s.hours_taken / s.hours_alone for s in after if s.hours_alone <= 24]
    parts = [part for study in after for part in study.parts]
    epochs = sum(study.epochs * study.trials for study in after)
    moved = sum(study.set_aside for study in after) / epochs * 1000
    cells = [
        f"{statistics.median(waits):.1f} / {percentile(waits, 0.95):.0f} h",
        f"{statistics.median(slow):.1f} / {percentile(slow, 0.95):.1f}",
        f"{statistics.median(small):.1f} / {percentile(small, 0.95):.1f}",
        f"{percentile(parts, 0.05):.0%} / {statistics.median(parts):.0%}",
        f"{busy:.1%}",
        f"{moved:.1f}",
    ]
    return f"| {what} | {' | '.join(cells)} |"


def test_shares_beside_first_come_first_served(
    board: Board, capsys: pytest.CaptureFixture[str]
) -> None:
    first, first_busy = simulate(first_come, 0)
    shared, shared_busy = simulate(Shared(), 0)
    with capsys.disabled():
        print(
            "\n| | waits for its first trial | takes times as long as alone | those of a day"
            " or less | of its due part | busy | set aside |"
        )
        print(row("first come, first served", first, first_busy))
        print(row("shares", shared, shared_busy))
    longest = max(study.hours_waited for study in shared)
    board.at_most("50 studies on 1,000 workers: longest wait for a first trial", longest, 1.0, "h")
    board.at_least("the same: workers that are busy of those wanted", shared_busy, 0.99, "")
