"""What a study would do, before it does it: its space, points from it, totals, whether it fits.

Nothing is needed for it but the study file: no images, weights, GPU or network, except to measure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from search_spaces.values import as_param
from study.errors import UserError
from study.execution.resources import machine_gpus, machine_resources, trial_capacity
from study.execution.user.prices import tariff_of
from study.inspection.format import aligned_lines, bytes_text, count_text, seconds_text
from study.inspection.gpu_packing import gpu_notes
from study.inspection.preview_points import (
    DRAWN_POINTS,
    PassingShare,
    PreviewPoint,
    branch_shares,
    count_different,
    count_duplicates,
    known_points,
    passing_share,
    points_of,
)
from study.inspection.requirements import (
    count_confirmation_trials,
    disk_bytes,
    free_bytes,
    lacking_resources,
    total_seconds,
)
from study.spec.kinds.built_in import RecipeTraining
from study.spec.parts.tariff import Tariff, money_text
from study.training.recipe.recipe import Recipe

if TYPE_CHECKING:
    from study.inspection.cost_probe import Cost, CostsByShape
    from study.spec.kinds.kind import Training
    from study.spec.spec import StudySpec

_SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, repr=False)
class Preview:
    """A study in figures. Epochs, seconds and bytes are upper bounds: nothing is pruned, no length
    is cut short.
    """

    study: str
    question: str
    rows: list[dict[str, str]]
    """The space: path, values, when."""
    samples: list[PreviewPoint]
    """The study's first points, those of ``first:`` included, and others that it could propose."""
    known: int
    """How many of them are those that it will propose; results have a say in what follows."""
    branches: list[dict[str, Any]]
    """How often each branch is taken: path, branch, share."""
    points: int
    duplicates: int
    """How many points repeat another one."""
    duplicates_known: bool
    """Whether that is sure; else points that aren't known yet are taken to be drawn at random."""
    different: int | None
    """How many different points there are; None where they are very many, or endlessly many."""
    levels: int
    trials: int
    confirmations: int
    epochs: int | None
    """None where a recipe's length isn't in epochs."""
    concurrency: int
    disk_bytes: int
    disk_free_bytes: int | None
    """None where the storage is no folder of this machine."""
    notes: tuple[str, ...]
    require: tuple[str, ...] = ()
    """The rules that points keep."""
    passing: PassingShare | None = None
    """How many points keep them; None without rules."""
    costs: list[Cost] = field(default_factory=list)
    """What was measured, one a shape."""
    seconds: float | None = None
    """The whole study at its concurrency, from what was measured."""
    memory_bytes: int | None = None
    """The most that a shape takes."""
    money_hour: float | None = None
    """What an hour costs at the study's concurrency, by the highest price of a node; None without
    prices.
    """
    money: float | None = None
    """What the whole study costs at most, from what was measured."""
    currency: str | None = None

    def tree(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return the preview as text, its parts with a line between them."""
        lines: list[str] = []
        for part in self._parts():
            if part:
                lines += [*part, ""]
        return lines[:-1]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    __repr__ = __str__

    def _parts(self) -> Iterator[list[str]]:
        yield [f"study {self.study}", *([self.question] if self.question else [])]
        yield self._space_lines()
        yield self._rule_lines()
        yield self._sample_lines()
        yield aligned_lines([{**row, "share": f"{row['share']:.0%}"} for row in self.branches])
        yield self._total_lines()
        yield aligned_lines([_cost_row(cost) for cost in self.costs])
        yield [f"note: {note}" for note in self.notes]

    def _space_lines(self) -> list[str]:
        return aligned_lines(
            [
                {"variable": row["path"], "values": row["values"], "when": row["when"]}
                for row in self.rows
            ]
        )

    def _rule_lines(self) -> list[str]:
        lines = [f"require: {rule}" for rule in self.require]
        if self.passing is not None:
            lines.append(f"require: {self.passing}")
        return lines

    def _sample_lines(self) -> list[str]:
        paths = list(dict.fromkeys(path for point in self.samples for path in point))
        if not paths:
            return []
        rows = [{path: _value_text(point, path) for path in paths} for point in self.samples]
        head, *lines = aligned_lines(rows)
        known, others = lines[: self.known], lines[self.known :]
        if not others:
            return [f"the first {count_text(len(known), 'point')}:", head, *known]
        following = f"{count_text(len(others), 'point')} as they could be, drawn at random:"
        if not known:
            return [following, head, *others]
        first = f"the first {count_text(len(known), 'point')}:"
        return [first, head, *known, f"then {following}", *others]

    def _total_lines(self) -> list[str]:
        lines = [self._points_line(), self._trials_line(), self._storage_line()]
        if self.seconds is not None:
            lines.append(f"time: at most about {seconds_text(self.seconds)} if nothing is pruned")
        if self.memory_bytes is not None:
            lines.append(f"memory: up to {bytes_text(self.memory_bytes)} a trial")
        if self.money_hour is not None:
            lines.append(self._money_line())
        return lines

    def _money_line(self) -> str:
        currency = self.currency or ""
        hourly = f"{money_text(self.money_hour or 0.0, currency)} an hour"
        if self.money is None:
            return f"money: at most {hourly}; --measure says about how many hours"
        return f"money: at most about {money_text(self.money, currency)} ({hourly})"

    def _points_line(self) -> str:
        levels = f", equally many for each of {self.levels} levels" if self.levels > 1 else ""
        return f"{count_text(self.points, 'point')}{levels}{self._repeats_text()}"

    def _repeats_text(self) -> str:
        """Say how many points would be trained twice: the same values with the same seeds."""
        if self.different is not None and self.points > self.different:
            repeats = self.points - self.different
            return f"; there are only {self.different} different ones: {repeats} repeat others"
        if not self.duplicates:
            return ""
        if self.duplicates_known:
            return f"; {self.duplicates} of them repeat others"
        return f"; about {self.duplicates} of them would repeat others, were they drawn at random"

    def _trials_line(self) -> str:
        confirmed = f" and {self.confirmations} to confirm" if self.confirmations else ""
        epochs = "an unknown number of" if self.epochs is None else f"at most {self.epochs:,}"
        trials = count_text(self.trials, "trial")
        return f"{trials}{confirmed}, {self.concurrency} at once, {epochs} epochs"

    def _storage_line(self) -> str:
        free = ""
        if self.disk_free_bytes is not None:
            free = f", {bytes_text(self.disk_free_bytes)} are free"
        return f"storage: about {bytes_text(self.disk_bytes)}{free}"


def _value_text(point: PreviewPoint, path: str) -> str:
    if path not in point:
        return "-"
    value = as_param(point[path])
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _cost_row(cost: Cost) -> dict[str, str]:
    """Return a row of the table of costs, with a failure's class where there are none."""
    if cost.epoch_seconds is None or cost.memory_bytes is None:
        return {"shape": cost.shape, "an epoch": cost.failure.partition(":")[0], "memory": "-"}
    return {
        "shape": cost.shape,
        "an epoch": f"{cost.epoch_seconds:.3g} s",
        "memory": bytes_text(cost.memory_bytes),
    }


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
    money_hour = concurrency * tariff.highest_hourly() if tariff else None
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
        trials=trials,
        confirmations=confirmations,
        epochs=epochs,
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
    hourly, currency = tariff.highest_hourly(), tariff.currency
    stop = spec.stop
    if stop.wall_hours is not None:
        spent = money_text(stop.wall_hours * concurrency * hourly, currency)
        yield f"stop.wall_hours: {stop.wall_hours:g} hours cost at most {spent}"
    if stop.gpu_hours is not None and spec.resources.gpus:
        spent = money_text(stop.gpu_hours / spec.resources.gpus * hourly, currency)
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
