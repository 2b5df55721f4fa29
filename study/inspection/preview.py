"""What a study would do, before it does it: its space, points drawn from it, totals, and whether
they fit.

Nothing is needed for it but the study file: no images, weights, GPU or network, except to measure.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from search_spaces.random_trial import RandomTrial
from search_spaces.values import Value, as_param
from study.execution.resources import machine_cpus, machine_gpus, machine_resources, trial_capacity
from study.inspection.format import aligned, bytes_text, counted, seconds_text
from study.training.recipe.recipe import Recipe

if TYPE_CHECKING:
    from study.inspection.cost_probe import Cost
    from study.spec.spec import StudySpec

_DRAWN = 300  # points looked at for shares, epochs and shapes
_LISTED_GRID = 10_000  # a larger grid is shown by points drawn from it
_EPOCH_BYTES = 600  # of journal and tables for an epoch of a trial
_WEIGHT_BYTES = 4 * 3  # fp32 weights and two moments of an optimizer
_BEST_BYTES = 4  # the weights of the best epoch beside them
_HELD_CHECKPOINTS = 2  # of each running trial

Point = dict[str, Value]


@dataclass(frozen=True)
class Preview:
    """A study in figures. Epochs, seconds and bytes are upper bounds: nothing is pruned, no length
    is cut short.
    """

    study: str
    question: str
    rows: list[dict[str, str]]
    """The space: path, values, when."""
    samples: list[Point]
    """Points as the study could propose them, those of ``first:`` included."""
    branches: list[dict[str, Any]]
    """How often each branch is taken: path, branch, share."""
    points: int
    duplicates: int
    """How many of as many random points as the study has are there already."""
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
    costs: list[Cost] = field(default_factory=list)
    """What was measured, one a shape."""
    seconds: float | None = None
    """The whole study at its concurrency, from what was measured."""
    memory_bytes: int | None = None
    """The most that a shape takes."""

    def tree(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The preview as text."""
        return [line for part in self._parts() if part for line in (*part, "")][:-1]

    def _parts(self) -> Iterator[list[str]]:
        yield [f"study {self.study}", *([self.question] if self.question else [])]
        yield aligned(
            [
                {"variable": row["path"], "values": row["values"], "when": row["when"]}
                for row in self.rows
            ]
        )
        paths = list(dict.fromkeys(path for point in self.samples for path in point))
        if paths:
            shown = aligned(
                [{path: _cell(point, path) for path in paths} for point in self.samples]
            )
            yield [f"{counted(len(self.samples), 'point')}:", *shown]
        if self.branches:
            yield aligned([{**row, "share": f"{row['share']:.0%}"} for row in self.branches])
        yield self._totals()
        if self.costs:
            yield aligned([_cost_row(cost) for cost in self.costs])
        if self.notes:
            yield [f"note: {note}" for note in self.notes]

    def _totals(self) -> list[str]:
        levels = f", equally many for each of {self.levels} levels" if self.levels > 1 else ""
        confirmed = f" and {self.confirmations} to confirm" if self.confirmations else ""
        free = (
            "" if self.disk_free_bytes is None else f", {bytes_text(self.disk_free_bytes)} are free"
        )
        epochs = "an unknown number of" if self.epochs is None else f"at most {self.epochs:,}"
        twice = f"{self.duplicates} of as many drawn at random would be there twice"
        lines = [
            f"{counted(self.points, 'point')}{levels} ({twice})",
            (
                f"{counted(self.trials, 'trial')}{confirmed}, {self.concurrency} at once, {epochs}"
                " epochs"
            ),
            f"storage: about {bytes_text(self.disk_bytes)}{free}",
        ]
        if self.seconds is not None:
            lines.append(f"time: at most about {seconds_text(self.seconds)} if nothing is pruned")
        if self.memory_bytes is not None:
            lines.append(f"memory: up to {bytes_text(self.memory_bytes)} a trial")
        return lines


def preview_of(
    spec: StudySpec,
    n: int = 10,
    *,
    measure: bool = False,
    storage: str | Path = "studies",
    data_dir: str | Path | None = None,
) -> Preview:
    """Preview a study with ``n`` of its points; ``measure`` trains a few steps of each shape of
    model and batch.
    """
    points = list(islice(points_of(spec), min(spec.points, _DRAWN)))
    recipes = [spec.recipe(point, 0) for point in points]
    confirmations = _confirmation_trials(spec)
    trials = spec.points * spec.replicates
    concurrency = spec.concurrency or max(1, trial_capacity(spec, [machine_resources(spec)]))
    lengths = [recipe.epochs for recipe in recipes]
    epochs = (
        None if None in lengths else round(fmean(filter(None, lengths)) * (trials + confirmations))
    )
    disk = _disk_bytes(spec, recipes, concurrency, trials, epochs)
    free = _free_bytes(str(storage))
    costs: dict[Any, Cost] = _measured_costs(spec, recipes, data_dir) if measure else {}
    seconds = _total_seconds(recipes, costs, (trials + confirmations) / concurrency)
    memory = max((cost.memory_bytes or 0 for cost in costs.values()), default=None)
    return Preview(
        study=spec.study,
        question=spec.question,
        rows=spec.space.rows(),
        samples=points[:n],
        branches=_branch_shares(spec),
        points=spec.points,
        duplicates=_duplicates(spec),
        levels=len(spec.levels()),
        trials=trials,
        confirmations=confirmations,
        epochs=epochs,
        concurrency=concurrency,
        disk_bytes=disk,
        disk_free_bytes=free,
        notes=tuple(_notes(spec, concurrency, disk, free, seconds, costs)),
        costs=list(costs.values()),
        seconds=seconds,
        memory_bytes=memory,
    )


# -- points ----------------------------------------------------------------------------


def points_of(spec: StudySpec) -> Iterator[Point]:
    """Points in the order in which a study without a history could propose them, without end but
    for first-only.
    """
    yield from (spec.first_values(index) for index in range(len(spec.first)))
    if spec.sampler.name == "grid" and (spec.space.grid_size() or 0) <= _LISTED_GRID:
        yield from (point for level in spec.levels() for point in spec.space.fix(level).grid())
    elif spec.sampler.name != "first-only":
        yield from _drawn(spec)


def _drawn(spec: StudySpec) -> Iterator[Point]:
    """Points drawn at random, the levels of a method study in turn."""
    spaces = [spec.space.fix(level) for level in spec.levels()]
    dice = RandomTrial(spec.sampler.seed)
    while True:
        yield from (space.ask(dice) for space in spaces)


def _branch_shares(spec: StudySpec) -> list[dict[str, Any]]:
    """How often each branch is taken among points drawn at random, of all of them."""
    taken = Counter(
        (variable.path, point[variable.path])
        for point in islice(_drawn(spec), _DRAWN if spec.space.variables else 0)
        for variable in {
            variable.path: variable for variable in spec.space.variables if variable.branch
        }.values()
        if variable.path in point
    )
    counts = sorted(taken.items(), key=lambda item: spec.space.paths().index(item[0][0]))
    return [
        {"path": path, "branch": branch, "share": count / _DRAWN}
        for (path, branch), count in counts
    ]


def _duplicates(spec: StudySpec) -> int:
    """How many of as many points as the study has, drawn at random, are there already; none in a
    grid.
    """
    if spec.sampler.name in ("grid", "first-only"):
        return 0
    count = min(spec.points, 10_000)
    keys = Counter(
        tuple((path, as_param(value)) for path, value in point.items())
        for point in islice(_drawn(spec), count)
    )
    return count - len(keys)


def _confirmed_points(spec: StudySpec) -> int:
    if spec.confirm is None:
        return 0
    levels = len(spec.levels())
    return levels * min(spec.confirm.top, spec.points // levels) + (
        spec.confirm.against is not None
    )


def _confirmation_trials(spec: StudySpec) -> int:
    return _confirmed_points(spec) * spec.confirm.replicates if spec.confirm else 0


# -- whether it fits -------------------------------------------------------------------


def _disk_bytes(
    spec: StudySpec, recipes: Sequence[Recipe], concurrency: int, trials: int, epochs: int | None
) -> int:
    """Checkpoints of running trials and of those that are kept, journal and tables."""
    models = {recipe.model.model_dump_json(): recipe for recipe in recipes}
    bytes_each = _WEIGHT_BYTES + (_BEST_BYTES if spec.best_by else 0)
    checkpoint = max(map(_parameters_of, models.values()), default=0) * bytes_each
    best = max(1, _confirmed_points(spec)) * spec.replicates + _confirmation_trials(spec)
    kept = {"none": 0, "best": best, "last": trials, "all": trials * _HELD_CHECKPOINTS}
    held = _HELD_CHECKPOINTS * min(concurrency, trials)
    return checkpoint * (kept[spec.keep_checkpoints] + held) + _EPOCH_BYTES * (epochs or trials)


def _parameters_of(recipe: Recipe) -> int:
    """How many the model has, built without values; 0 where that needs what isn't here."""
    import torch

    from study.training.models.factory import build_model
    from study.training.recipe.data_catalog import DATA_SETS

    data = DATA_SETS.get(recipe.data.name, DATA_SETS["cifar10"])
    image_shape = recipe.data.input_shape(data.image_shape)
    try:
        with torch.device("meta"):
            model = build_model(recipe.model, image_shape, data.classes)
    except Exception:  # a network of the user's own may want more than this; then the trial tells
        return 0
    return sum(parameter.numel() for parameter in model.parameters())


def _measured_costs(
    spec: StudySpec, recipes: Sequence[Recipe], data_dir: str | Path | None
) -> dict[Any, Cost]:
    from study.inspection.cost_probe import measured

    device = "cuda" if spec.resources.gpus and machine_gpus() else "cpu"
    return measured(recipes, device, max(1, int(spec.resources.cpus)), data_dir)


def _total_seconds(
    recipes: Sequence[Recipe], costs: Mapping[Any, Cost], rounds: float
) -> float | None:
    """Seconds for ``rounds`` trials one after another, from the measured shapes; None where none
    was.
    """
    from study.inspection.cost_probe import shape_of

    known = [
        (recipe.epochs, costs[shape_of(recipe)].epoch_seconds)
        for recipe in recipes
        if shape_of(recipe) in costs
    ]
    trials = [
        epochs * seconds for epochs, seconds in known if epochs is not None and seconds is not None
    ]
    return fmean(trials) * rounds if trials else None


def _notes(
    spec: StudySpec,
    concurrency: int,
    disk: int,
    free: int | None,
    seconds: float | None,
    costs: Mapping[Any, Cost],
) -> Iterator[str]:
    """What a user should know before the study starts."""
    yield from spec.notes
    yield from lacking(spec, concurrency)
    if free is not None and disk > free:
        yield f"the disk is too small: {bytes_text(disk)} are needed, {bytes_text(free)} are free"
    hours = spec.stop.wall_hours
    if seconds is not None and hours is not None and seconds > hours * 3600:
        yield (
            f"stop.wall_hours: {hours:g} may interrupt it: up to {seconds_text(seconds)} are"
            " expected"
        )
    limit = spec.trial.hours
    if (
        seconds is not None
        and limit is not None
        and seconds * concurrency / spec.points / spec.replicates > limit * 3600
    ):
        yield f"trial.hours: {limit:g} may end trials before they are done"
    yield from (f"{cost.shape}: {cost.failure}" for cost in costs.values() if cost.failure)


def lacking(spec: StudySpec, concurrency: int) -> Iterator[str]:
    """What this machine has too little of, should the study run here."""
    if concurrency * spec.resources.cpus > machine_cpus():
        yield (
            f"{concurrency} trials of {spec.resources.cpus:g} CPUs at once; this machine has"
            f" {machine_cpus()} CPUs"
        )
    if spec.resources.gpus and concurrency * spec.resources.gpus > machine_gpus():
        yield (
            f"{concurrency} trials of {spec.resources.gpus:g} GPUs at once; this machine has"
            f" {machine_gpus()} GPUs"
        )


def _free_bytes(storage: str) -> int | None:
    """What is free where a study's folder would be; None where that is not on this machine."""
    if "://" in storage:
        return None
    folder = Path(storage).absolute()
    return shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free


def _cell(point: Point, path: str) -> str:
    value = as_param(point[path]) if path in point else "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _cost_row(cost: Cost) -> dict[str, str]:
    if cost.epoch_seconds is None or cost.memory_bytes is None:
        return {"shape": cost.shape, "an epoch": cost.failure.partition(":")[0], "memory": "-"}
    return {
        "shape": cost.shape,
        "an epoch": f"{cost.epoch_seconds:.3g} s",
        "memory": bytes_text(cost.memory_bytes),
    }
