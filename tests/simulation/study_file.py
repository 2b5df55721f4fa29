"""Which study a seed has: of every sampler, pruner and rule that decides something, sooner or
later each beside each, of recipes or of a training function of the user's own.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from study.spec.load import spec_from_tree
from study.spec.spec import StudySpec

NAME = "simulated"
PRUNERS: list[Any] = [
    "none",
    {"name": "asha", "min_epochs": 1, "reduction": 2},
    {"name": "hyperband", "min_epochs": 1, "reduction": 2},
    "median",
    "patient",
]
PROMOTING: list[Any] = [
    {"name": "asha", "min_epochs": 1, "reduction": 2, "promote": True},
    {"name": "first-epochs", "epochs": 1, "keep": 2},
    {"name": "pasha", "min_epochs": 1, "reduction": 2},
]
"""Pruners that set trials aside and promote them: every fifth seed has one."""
SAMPLERS: list[Any] = [
    "random",
    "random",
    "tpe",
    {"name": "tpe", "n_startup_trials": 2},
    {"name": "nsga2", "population_size": 2},
    "qmc",
]
SPACE: dict[str, Any] = {
    "optimizer": {
        "one_of": {
            "sgd": {"lr": {"log": [1e-3, 1]}},
            "adam": {"lr": {"log": [1e-4, 1]}},
        }
    },
}
GRID: dict[str, Any] = {"optimizer": {"one_of": {"sgd": {"lr": {"choice": [0.1, 0.2, 0.4]}}}}}
TRAINING = "tests.simulation.surroundings.worker:row_of"
"""The training function of the studies that train one of their own, by what simulated workers say
of each epoch; nobody calls it in their place.
"""
RECIPES_EVERY = 3
"""Every so many seeds a study trains recipes, whose tables have two hundred columns."""
FIRST = {"set": {"optimizer": {"name": "sgd", "lr": 0.1}}}


@dataclass(frozen=True)
class SimulatedStudy:
    """A seed's study, and how its trainings go."""

    spec: StudySpec
    step: float
    """Accuracies are multiples of this."""
    pace_s: float
    """How long an epoch takes on average."""
    is_on_store: bool


def study_of(seed: int) -> SimulatedStudy:
    """Draw a seed's study."""
    chance = random.Random(f"study {seed}")
    epochs = chance.randint(1, 4)
    tree: dict[str, Any] = {
        "study": NAME,
        "points": chance.choice([2, 4, 6, 9]),
        "replicates": chance.choice([1, 1, 2, 3]),
        "concurrency": chance.randint(1, 4),
        "sampler": chance.choice(SAMPLERS),
        "pruner": chance.choice(PRUNERS),
        "reproducible": chance.random() < 0.5,
        "keep_checkpoints": chance.choice(["best", "last", "all", "none"]),
        "recipe": {"epochs": epochs},
        "space": SPACE,
        "objective": {
            "metric": chance.choice(["val_accuracy", "val_loss"]),
            "at": chance.choice(["last", "best"]),
        },
    }
    if chance.random() < 0.2:
        tree |= {"sampler": "grid", "space": GRID}
        del tree["points"]
    if chance.random() < 0.3:
        tree["first"] = [FIRST]
        if tree["sampler"] == "grid":
            del tree["first"]
    if chance.random() < 0.3:
        tree["confirm"] = {"top": 2, "replicates": 2}
    if chance.random() < 0.15 and tree["replicates"] > 1:
        tree["racing"] = {"threshold": 0.05}
    if chance.random() < 0.15:
        tree["stop"] = {"wall_hours": 0.01}
    if seed % 5 == 4:  # the others have the worlds that they had before
        tree["pruner"] = PROMOTING[seed // 5 % len(PROMOTING)]
        tree["recipe"] = {"epochs": epochs + 2}
        tree.pop("racing", None)
    if (seed + 1) % RECIPES_EVERY:
        tree["train"] = TRAINING
        is_more_better = tree["objective"]["metric"] == "val_accuracy"
        tree["objective"]["direction"] = "maximize" if is_more_better else "minimize"
    return SimulatedStudy(
        spec=spec_from_tree(tree),
        step=chance.choice([1e-6, 1e-6, 0.05, 0.2]),
        pace_s=chance.choice([0.2, 1.0, 5.0]),
        is_on_store=chance.random() < 0.45,
    )
