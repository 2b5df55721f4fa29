"""What a study needs of disk, processors and time, and what of it is lacking."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from study.execution.resources import machine_cpus, machine_gpus
from study.inspection.model_sizes import count_parameters
from study.sampling.pruning import make_promotion_rule
from study.training.recipe.recipe import Recipe

if TYPE_CHECKING:
    from study.inspection.cost_probe import CostsByShape
    from study.spec.spec import StudySpec

_EPOCH_BYTES = 600
"""Of journal and tables, for an epoch of a trial."""
_TRAINING_BYTES = 4 * 3
"""A parameter in a checkpoint: its fp32 weight and two moments of an optimizer."""
_OTHER_WEIGHT_BYTES = 4
"""The weights of the best epoch beside them, and their average."""
_HELD_CHECKPOINTS = 2
"""Of each running trial."""


def disk_bytes(
    spec: StudySpec, recipes: Sequence[Recipe], concurrency: int, trials: int, epochs: int | None
) -> int:
    """Estimate what checkpoints, journal and tables take at most."""
    best = max(1, _count_confirmed_points(spec)) * spec.replicates + count_confirmation_trials(spec)
    kept_checkpoints = {
        "none": 0,
        "best": best,
        "last": trials,
        "all": trials * _HELD_CHECKPOINTS,
    }
    held_checkpoints = _HELD_CHECKPOINTS * min(concurrency, trials)
    checkpoints = kept_checkpoints[spec.keep_checkpoints] + held_checkpoints
    return _checkpoint_bytes(spec, recipes) * checkpoints + _EPOCH_BYTES * (epochs or trials)


def _checkpoint_bytes(spec: StudySpec, recipes: Iterable[Recipe]) -> int:
    """Estimate what a checkpoint of the study's largest model takes."""
    models = {recipe.model.model_dump_json(): recipe for recipe in recipes}
    largest = max((count_parameters(recipe) for recipe in models.values()), default=0)
    others = (spec.best_by is not None) + any(recipe.ema for recipe in models.values())
    return largest * (_TRAINING_BYTES + _OTHER_WEIGHT_BYTES * others)


def _count_confirmed_points(spec: StudySpec) -> int:
    """Count the points that the study will confirm."""
    if spec.confirm is None:
        return 0
    levels = len(spec.levels())
    of_each_level = min(spec.confirm.top, spec.points // levels)
    against = 1 if spec.confirm.against is not None else 0
    return levels * of_each_level + against


def count_confirmation_trials(spec: StudySpec) -> int:
    """Count the trials with fresh seeds that confirm them."""
    return _count_confirmed_points(spec) * spec.confirm.replicates if spec.confirm else 0


def expected_epochs(spec: StudySpec, points: int, length: int) -> int | None:
    """Estimate the epochs of a search for so many points of a length; None where the pruner
    promotes none, so that it depends on the trials how many are stopped.
    """
    rule = make_promotion_rule(spec.pruner)
    if rule is None:
        return None
    levels = len(spec.levels())
    epochs, complete = rule.expected(max(1, round(points / levels)), length)
    return levels * (epochs + complete * (spec.replicates - 1) * length)


def free_bytes(storage: str) -> int | None:
    """Look up what is free where a study's folder would be; None where that isn't this machine."""
    if "://" in storage:
        return None
    folder = Path(storage).absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free


def total_seconds(recipes: Iterable[Recipe], costs: CostsByShape, rounds: float) -> float | None:
    """Estimate the seconds of ``rounds`` trials one after another from what was measured.

    None where no shape was measured to its end.
    """
    from study.inspection.cost_probe import shape_of

    trials = []
    for recipe in recipes:
        cost = costs.get(shape_of(recipe))
        if cost and cost.epoch_seconds is not None and recipe.epochs is not None:
            trials.append(recipe.epochs * cost.epoch_seconds)
    return fmean(trials) * rounds if trials else None


def lacking_resources(spec: StudySpec, concurrency: int) -> Iterator[str]:
    """Say what this machine has too little of, should the study run here."""
    if concurrency * spec.resources.most_cpus > machine_cpus():
        yield (
            f"{concurrency} trials of {spec.resources.most_cpus:g} CPUs at once; this machine has"
            f" {machine_cpus()} CPUs"
        )
    if spec.resources.gpus and concurrency * spec.resources.most_gpus > machine_gpus():
        yield (
            f"{concurrency} trials of {spec.resources.most_gpus:g} GPUs at once; this machine has"
            f" {machine_gpus()} GPUs"
        )
