"""What a study would do, before it does it: its space, points from it, totals, whether it fits.

Nothing is needed for it but the study file: no images, weights, GPU or network, except to measure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from study.errors import UserError
from study.execution.resources import machine_gpus, machine_resources, trial_capacity
from study.execution.user.prices import tariff_of
from study.inspection.format import bytes_text, seconds_text
from study.inspection.gpu_packing import gpu_notes
from study.inspection.preview.points import (
    DRAWN_POINTS,
    branch_shares,
    count_different,
    count_duplicates,
    known_points,
    passing_share,
    points_of,
)
from study.inspection.preview.shown import Preview
from study.inspection.requirements import (
    count_confirmation_trials,
    disk_bytes,
    expected_epochs,
    free_bytes,
    lacking_resources,
    total_seconds,
)
from study.spec.kinds.built_in import RecipeTraining
from study.spec.parts.tariff import Tariff, money_text
from study.training.recipe.recipe import Recipe

if TYPE_CHECKING:
    from study.inspection.cost_probe import CostsByShape
    from study.spec.kinds.kind import Training
    from study.spec.spec import StudySpec

_SECONDS_AN_HOUR = 3600


def preview_of(
    spec: StudySpec,
    n: int = 10,
    *,
    measure: bool = False,
    storage: str | Path = "studies",
    data_dir: str | Path | None = None,
) -> Preview:
    """Preview a study with ``n`` of its points.

    ``measure`` trains a few steps of each shape of model and batch, and raises DataMissing where
    the images can't be had.
    """
    points = list(islice(points_of(spec), min(spec.points, DRAWN_POINTS)))
    known = known_points(spec, n)
    duplicates = count_duplicates(spec)
    trainings = [spec.training(point) for point in points]
    recipes = [one.recipe for one in trainings if isinstance(one, RecipeTraining)]
    trials = spec.points * spec.replicates
    confirmations = count_confirmation_trials(spec)
    concurrency = spec.concurrency or max(1, trial_capacity(spec, [machine_resources(spec)]))
    epochs = _total_epochs(trainings, trials + confirmations)
    disk = disk_bytes(spec, recipes, concurrency, trials, epochs)
    free = free_bytes(str(storage))
    costs: CostsByShape = _measure(spec, recipes, data_dir) if measure else {}
    seconds = total_seconds(recipes, costs, (trials + confirmations) / concurrency)
    tariff = tariff_of(spec, storage)
    workers = spec.resources.workers.most
    money_hour = concurrency * workers * tariff.highest_hourly() if tariff else None
    money = _money_of(seconds, money_hour)
    notes = [
        *spec.notes,
        *lacking_resources(spec, concurrency),
        *gpu_notes(spec, concurrency, machine_gpus()),
        *_disk_notes(disk, free),
        *_unknown_notes(spec),
        *_time_notes(spec, concurrency, seconds),
        *_money_notes(spec, tariff, concurrency, money),
        *(f"{cost.shape}: {cost.failure}" for cost in costs.values() if cost.failure),
    ]
    return Preview(
        study=spec.study,
        question=spec.question,
        rows=spec.space.rows(),
        samples=[*known, *points[len(known) : n]],
        known=len(known),
        branches=branch_shares(spec),
        points=spec.points,
        duplicates=duplicates.count,
        duplicates_known=duplicates.is_known,
        different=None if spec.sampler.name == "first-only" else count_different(spec),
        levels=len(spec.levels()),
        workers=workers,
        least_workers=spec.resources.workers.least,
        trials=trials,
        confirmations=confirmations,
        epochs=epochs,
        expected_epochs=_expected_epochs(spec, epochs, trials, confirmations),
        concurrency=concurrency,
        disk_bytes=disk,
        disk_free_bytes=free,
        notes=tuple(notes),
        require=spec.require,
        passing=passing_share(spec),
        costs=list(costs.values()),
        seconds=seconds,
        money_hour=money_hour,
        money=money,
        currency=tariff.currency or None if tariff else None,
        memory_bytes=max((cost.memory_bytes or 0 for cost in costs.values()), default=None),
    )


def _total_epochs(trainings: Sequence[Training], trials: int) -> int | None:
    """Estimate the epochs of so many trials; None where one's length isn't known in epochs."""
    lengths = [one.length for one in trainings if one.length is not None]
    if len(lengths) < len(trainings):
        return None
    return round(fmean(lengths) * trials)


def _expected_epochs(
    spec: StudySpec, most: int | None, trials: int, confirmations: int
) -> int | None:
    """Estimate the epochs of a study whose pruner promotes trials, of ``most`` at most."""
    if most is None:
        return None
    length = round(most / (trials + confirmations))
    expected = expected_epochs(spec, spec.points, length)
    return None if expected is None else expected + confirmations * length


def _measure(
    spec: StudySpec, recipes: Sequence[Recipe], data_dir: str | Path | None
) -> CostsByShape:
    from study.inspection.cost_probe import measure_costs

    if spec.train is not None:
        raise UserError(f"--measure: what {spec.train} takes can't be measured before it runs")
    device = "cuda" if spec.resources.gpus and machine_gpus() else "cpu"
    return measure_costs(recipes, device, max(1, int(spec.resources.cpus)), data_dir)


def _money_of(seconds: float | None, hourly: float | None) -> float | None:
    """Return what so many seconds cost; None where either isn't known."""
    return None if seconds is None or hourly is None else seconds / _SECONDS_AN_HOUR * hourly


def _money_notes(
    spec: StudySpec, tariff: Tariff | None, concurrency: int, money: float | None
) -> Iterator[str]:
    """Say what the study's budgets cost, and for how long a budget of money lasts."""
    if tariff is None or not tariff.highest_hourly():
        return
    workers = spec.resources.workers.most
    hourly, currency = tariff.highest_hourly() * workers, tariff.currency
    stop = spec.stop
    if stop.wall_hours is not None:
        spent = money_text(stop.wall_hours * concurrency * hourly, currency)
        yield f"stop.wall_hours: {stop.wall_hours:g} hours cost at most {spent}"
    if stop.gpu_hours is not None and spec.resources.gpus:
        spent = money_text(stop.gpu_hours / spec.resources.most_gpus * hourly, currency)
        yield f"stop.gpu_hours: {stop.gpu_hours:g} GPU hours cost at most {spent}"
    if stop.spend is not None:
        lasts = seconds_text(stop.spend / (concurrency * hourly) * _SECONDS_AN_HOUR)
        budget = money_text(stop.spend, currency)
        yield f"stop.spend: {budget} last for at least {lasts} with {concurrency} trials at once"
    if stop.spend is not None and money is not None and money > stop.spend:
        expected = money_text(money, currency)
        yield f"stop.spend: {stop.spend:g} may interrupt it: up to {expected} are expected"


def _disk_notes(needed: int, free: int | None) -> Iterator[str]:
    if free is not None and needed > free:
        yield f"the disk is too small: {bytes_text(needed)} are needed, {bytes_text(free)} are free"


def _unknown_notes(spec: StudySpec) -> Iterator[str]:
    if spec.train is not None and spec.keep_checkpoints != "none":
        yield f"storage: what {spec.train} saves comes on top"


def _time_notes(spec: StudySpec, concurrency: int, seconds: float | None) -> Iterator[str]:
    """Say which of the study's limits may end it, or trials of it, before they are done."""
    if seconds is None:
        return
    study_hours = spec.stop.wall_hours
    if study_hours is not None and seconds > study_hours * _SECONDS_AN_HOUR:
        yield (
            f"stop.wall_hours: {study_hours:g} may interrupt it: up to {seconds_text(seconds)} are"
            " expected"
        )
    trial_hours = spec.trial.hours
    trial_seconds = seconds * concurrency / spec.points / spec.replicates
    if trial_hours is not None and trial_seconds > trial_hours * _SECONDS_AN_HOUR:
        yield f"trial.hours: {trial_hours:g} may end trials before they are done"
