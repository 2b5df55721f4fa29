"""What ``reproducible: true`` costs: the makespan over a free-running study on the same simulated
cluster.
"""

from __future__ import annotations

import math
import random
import statistics
from typing import Any

import pytest

from study.controller.next_work import Assignment

from ..study.fake_cluster import Storage, controller_on, drive, small_spec
from .board import Board

pytestmark = pytest.mark.bench
WORLDS, POINTS, EPOCHS = 9, 60, 27


def makespan(world: int, workers: int, spread: float, error: float, **changes: Any) -> float:
    """Seconds of one study in a world where costs vary by ``spread`` and the nominal cost is off by
    ``error``.
    """
    spec = small_spec(points=POINTS, concurrency=workers, recipe={"epochs": EPOCHS}, **changes)
    paces = [random.Random(f"{world} {n}").lognormvariate(0, spread) for n in range(POINTS)]
    wrong = [random.Random(f"{world} {n} nominal").lognormvariate(0, error) for n in range(POINTS)]

    def nominal(recipe: Any) -> float:
        asked = {point.values["optimizer.lr"]: point.number for point in controller.history.points}
        number = asked.get(recipe.optimizer.lr, len(asked))
        return paces[number] * wrong[number]

    def curve(recipe: Any, epoch: int) -> dict[str, Any]:
        """What a point shows depends on its number alone, so that both studies have the same trials
        to stop.
        """
        chance = random.Random(f"{world} {recipe['point']} curve")
        top, tau = chance.betavariate(5, 2), chance.uniform(1, 6)
        noise = random.Random(f"{world} {recipe['point']} {epoch}").gauss(0, 0.01)
        return {"val_accuracy": top * (1 - math.exp(-epoch / tau)) + noise, "seconds": 1.0 * epoch}

    def pace(assignment: Assignment) -> float:
        return paces[assignment.point]

    controller = controller_on(Storage(), spec, nominal_cost=nominal)
    return drive(controller, workers=workers, seed=world, jitter=0.1, pace=pace, curve=curve)


@pytest.mark.parametrize("workers", [2, 4, 8])
@pytest.mark.parametrize(("spread", "error"), [(0.0, 0.0), (0.5, 0.2)])
@pytest.mark.parametrize("pruner", ["none", "asha", "asha, promote", "first-epochs", "pasha"])
def test_makespan(workers: int, spread: float, error: float, pruner: str, board: Board) -> None:
    chosen: Any = {"name": "asha", "min_epochs": 1, "reduction": 3} if pruner == "asha" else pruner
    if pruner == "asha, promote":
        chosen = {"name": "asha", "min_epochs": 1, "reduction": 3, "promote": True}
    ratios = [
        makespan(world, workers, spread, error, pruner=chosen, reproducible=True)
        / makespan(world, workers, spread, error, pruner=chosen, reproducible=False)
        for world in range(WORLDS)
    ]
    costs = "trials cost alike" if not spread else "their costs vary"
    what = (
        f"a reproducible study's makespan over a free-running one's, {workers} workers, pruner"
        f" {pruner}, {costs}"
    )
    board.at_most(what, statistics.median(ratios), 1.05, "×")
    assert all(ratio > 0 for ratio in ratios)
