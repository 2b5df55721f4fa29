"""What the sampler makes of what it is told."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

import pytest

from study.sampling.proposer import Proposer
from study.spec.load import spec_from_tree
from study.spec.sections import Objective

ACCURACY = (Objective(metric="val_accuracy", direction="maximize"),)
SPACE: dict[str, Any] = {
    "optimizer": {
        "one_of": {
            "sgd": {"lr": {"log": [1e-4, 10]}, "momentum": {"uniform": [0, 0.99]}},
            "adam": {"lr": {"log": [1e-6, 1]}},
            "adamw": {"lr": {"log": [1e-6, 1]}, "weight_decay": {"log": [1e-6, 1]}},
        }
    },
    "accumulation": {"choice": [1, 2, 4]},
}


def proposer(name: str, seed: int, space: dict[str, Any] = SPACE, **options: Any) -> Proposer:
    spec = spec_from_tree(
        {
            "study": "s",
            "points": 60,
            "sampler": {"name": name, "seed": seed, **options},
            "space": space,
        }
    )
    return Proposer(spec.space, spec.sampler, spec.objectives)


def steep(values: dict[str, Any]) -> float:
    """Best: adamw at lr 3e-3 and weight decay 1e-2."""
    base = {"sgd": 0.8, "adam": 0.85, "adamw": 0.9}[values["optimizer.name"]]
    best = {"sgd": -1.0, "adam": -3.0, "adamw": -2.5}[values["optimizer.name"]]
    decay = (
        0.02 * (math.log10(values["optimizer.weight_decay"]) + 2) ** 2
        if "optimizer.weight_decay" in values
        else 0
    )
    return base - 0.1 * (math.log10(values["optimizer.lr"]) - best) ** 2 - decay


def narrow(values: dict[str, Any]) -> float:
    """Best: sgd at lr 0.1 and momentum 0.9, a narrow ridge."""
    if values["optimizer.name"] != "sgd":
        return 0.5 - 0.01 * abs(math.log10(values["optimizer.lr"]) + 3)
    return (
        1
        - 0.3 * (math.log10(values["optimizer.lr"]) + 1) ** 2
        - (values["optimizer.momentum"] - 0.9) ** 2
    )


def mixed(values: dict[str, Any]) -> float:
    """Best: adam at lr 1e-3 with accumulation 4."""
    bonus = {1: 0.0, 2: 0.05, 4: 0.1}[values["accumulation"]]
    shift = 0.3 if values["optimizer.name"] == "adam" else 0.0
    return bonus + shift - 0.05 * (math.log10(values["optimizer.lr"]) + 3) ** 2


def best_of(
    name: str, seed: int, objective: Callable[[dict[str, Any]], float], points: int = 30
) -> float:
    asked = proposer(name, seed)
    values = []
    for index in range(points):
        value = objective(asked.propose(index))
        asked.tell(index, "COMPLETE", value)
        values.append(value)
    return max(values)


@pytest.mark.parametrize("objective", [steep, narrow, mixed])
def test_tpe_beats_random_on_a_conditional_space(
    objective: Callable[[dict[str, Any]], float],
) -> None:
    tpe = statistics.median(best_of("tpe", seed, objective) for seed in range(20))
    chance = statistics.median(best_of("random", seed, objective) for seed in range(20))
    assert tpe > chance


def test_a_study_learns_what_does_not_fit_in_memory() -> None:
    """Wider nets are better and those above a limit don't fit; a sampler that heard nothing would
    go there.
    """
    space = {"model": {"width": {"log": [0.1, 10]}}, "optimizer": {"lr": {"log": [1e-4, 1]}}}
    limit, shares = 2.0, []
    for seed in range(5):
        asked = proposer("tpe", seed, space)
        above = []
        for index in range(60):
            values = asked.propose(index)
            above.append(values["model.width"] > limit)
            if above[-1]:
                asked.tell_infeasible(index, fits=False)
            else:
                asked.tell(index, "COMPLETE", math.log10(values["model.width"]))
        shares.append(sum(above[40:]) / 20)
    assert statistics.median(shares) < 0.1


@pytest.mark.parametrize("name", ["tpe", "random", "cmaes", "gp", "nsga2", "qmc"])
def test_every_sampler_goes_on_after_a_resume_as_it_would_have(name: str) -> None:
    space = {
        "optimizer": {"lr": {"log": [1e-4, 1]}, "weight_decay": {"log": [1e-6, 1e-2]}},
        "accumulation": {"choice": [1, 2, 4]},
    }
    options = {"population_size": 4} if name == "nsga2" else {}
    whole = proposer(name, 1, space, **options)
    history = []
    for index in range(14):
        values = whole.propose(index)
        history.append((values, steep_line(values)))
        whole.tell(index, "COMPLETE", history[-1][1])
    resumed = proposer(name, 1, space, **options)
    for index, (values, value) in enumerate(history[:8]):
        resumed.replay(index, values)
        resumed.tell(index, "COMPLETE", value)
    for index in range(8, 14):
        assert resumed.propose(index) == history[index][0]
        resumed.tell(index, "COMPLETE", history[index][1])


def steep_line(values: dict[str, Any]) -> float:
    return (
        -((math.log10(values["optimizer.lr"]) + 2) ** 2)
        - (math.log10(values["optimizer.weight_decay"]) + 4) ** 2
    )


def test_a_grid_is_proposed_once_whole() -> None:
    space = {
        "optimizer": {"one_of": {"sgd": {"momentum": {"choice": [0.0, 0.9]}}, "adam": {}}},
        "accumulation": {"choice": [1, 2]},
    }
    spec = spec_from_tree({"study": "s", "sampler": "grid", "space": space})
    asked = Proposer(spec.space, spec.sampler, spec.objectives)
    seen = [{"optimizer.name": "adam", "accumulation": 2}]
    asked.add(0, seen[0])  # a point that the user ran first
    while not asked.is_exhausted:
        seen.append(asked.propose(len(seen)))
    assert len(seen) == spec.points == 6
    assert len({tuple(sorted(values.items())) for values in seen}) == 6
