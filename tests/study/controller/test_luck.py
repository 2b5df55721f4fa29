"""What choosing the best point costs in truth: simulated worlds in which the points' true heights
are known.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import pytest

from study.journal.ranking import best_point

from ..fake_cluster import Curve, Storage, controller_on, drive, small_spec

WORLDS = 60
POINTS, SEEDS, EPOCHS = 16, 3, 12
SD = 0.01
"""Of the points' true heights, and of the seeds of one point."""
ASHA = {"name": "asha", "min_epochs": 4, "reduction": 2}
NOISE = 0.003
"""Of one epoch."""


@dataclass
class World:
    """One search in one world."""

    seeds: list[int]
    """With how many seeds each COMPLETE point has come out."""
    winners_seeds: int
    luck: float
    """By how much the winner's value is above its true height."""
    regret: float
    """By how much the winner's true height is below the best one's."""


def height(world: int, point: int) -> float:
    return 0.9 + random.Random(f"{world} {point}").gauss(0, SD)


def curve_in(world: int) -> Curve:
    """Each training rises to its point's height, and its seed's luck."""

    def curve(recipe: dict[str, Any], epoch: int) -> dict[str, Any]:
        point, seed = recipe["point"], recipe["seed"]
        reached = height(world, point) + random.Random(f"{world} {point} {seed}").gauss(0, SD)
        risen = (1 - math.exp(-epoch / 3)) / (1 - math.exp(-EPOCHS / 3))
        noise = random.Random(f"{world} {point} {seed} {epoch}").gauss(0, NOISE)
        return {"val_accuracy": reached * risen + noise, "seconds": 1.0 * epoch}

    return curve


def search(world: int, pruner: Any, seeds: str = "whole") -> World:
    spec = small_spec(
        points=POINTS,
        replicates=SEEDS,
        recipe={"epochs": EPOCHS},
        pruner=pruner,
        sampler={"name": "random", "seed": world},
        reproducible=False,
    )
    controller = controller_on(Storage(), spec, seeds=seeds)
    drive(controller, seed=world, workers=4, curve=curve_in(world))
    points = controller.history.points
    best = (
        best_point(points, spec, whole_seeds=True)
        if seeds == "whole"
        else max(points, key=lambda point: point.value or 0)
    )
    assert best is not None
    return World(
        seeds=[len(point.seeds) for point in points if point.state == "COMPLETE"],
        winners_seeds=len(best.seeds),
        luck=best.value - height(world, best.number),
        regret=max(height(world, number) for number in range(POINTS)) - height(world, best.number),
    )


@pytest.fixture(scope="module")
def pruned() -> list[World]:
    return [search(world, ASHA) for world in range(WORLDS)]


def test_every_complete_point_has_all_its_seeds(pruned: list[World]) -> None:
    assert all(set(world.seeds) == {SEEDS} for world in pruned)
    assert any(len(world.seeds) < POINTS for world in pruned), (
        "nothing was pruned: the test shows nothing"
    )


def test_pruning_makes_the_winner_no_luckier(pruned: list[World]) -> None:
    whole = [search(world, "none") for world in range(WORLDS)]
    more = [one.luck - other.luck for one, other in zip(pruned, whole, strict=True)]
    assert fmean(more) <= 2 * stdev(more) / math.sqrt(WORLDS)


def test_judging_every_seed_as_old_studies_do_left_the_winner_with_a_part_of_its_seeds(
    pruned: list[World],
) -> None:
    old = [search(world, ASHA, "survivors") for world in range(WORLDS)]
    counts = [count for world in old for count in world.seeds]
    assert sum(count < SEEDS for count in counts) > 0.4 * len(counts)
    assert sum(world.winners_seeds < SEEDS for world in old) > 0.5 * WORLDS
    more = [one.luck - other.luck for one, other in zip(old, pruned, strict=True)]
    assert fmean(more) > 2 * stdev(more) / math.sqrt(WORLDS), (
        "the simulation can't tell the two rules apart"
    )
