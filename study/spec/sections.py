"""The sections of a study file: what each may hold, and what it means where it is left out.

Each is a frozen model whose defaults are filled in and whose "off" is None. The sampler's and the
pruner's are in ``study.spec.samplers`` and ``study.spec.pruners``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from search_spaces.validation import describe
from study.spec.parts.file_section import FileSection
from study.spec.parts.published import PublishedFigures
from study.training.recipe.metric_catalog import (
    Direction,
    ObjectiveMetric,
    direction_of,
    is_better,
    reaches,
    sign_of,
)
from study.training.recipe.recipe import expand
from study.validation.numbers import (
    AboveZero,
    Amount,
    AtLeastOne,
    Fraction,
    Number,
    Replicates,
    Tries,
    WorkerCount,
    ZeroOrMore,
)
from study.validation.section import OneOrMore, rule


class Objective(FileSection):
    """What is optimized: a column of the epoch rows or of a trial's summary."""

    short_for = "metric"

    metric: ObjectiveMetric
    """a column of the epoch table"""
    direction: Direction = Field(default_factory=lambda found: direction_of(found["metric"]))
    """by the metric's nature if left out"""
    at: Literal["last", "best"] = "last"
    """the value at the last epoch, or the best one"""

    @model_validator(mode="before")
    @classmethod
    def _without_null(cls, value: object) -> object:
        if isinstance(value, Mapping) and value.get("direction", ...) is None:
            return {key: item for key, item in value.items() if key != "direction"}
        return value

    @property
    def is_minimized(self) -> bool:
        """Whether less of the metric is better."""
        return self.direction == "minimize"

    @property
    def sign(self) -> int:
        """+1 where more is better, -1 where less is: a value times it is better if greater."""
        return sign_of(self.direction)

    def is_better(self, value: float, than: float) -> bool:
        """Return whether ``value`` is strictly better than another one."""
        return is_better(value, than, self.direction)

    def reaches(self, value: float, target: float) -> bool:
        """Return whether ``value`` is as good as ``target`` or better."""
        return reaches(value, target, self.direction)

    def best(self, values: Iterable[float]) -> float:
        """Return the best of ``values``, of which there must be at least one."""
        return min(values) if self.is_minimized else max(values)


def column_of(metric: str) -> str:
    """Return the column of the epoch rows that holds a metric."""
    return "seconds" if metric == "total_seconds" else metric


def _resources_by_name(value: object) -> object:
    if not isinstance(value, Mapping):
        raise rule("must be a mapping of resources to amounts")
    return value


def _own_resources(amounts: dict[str, float]) -> dict[str, float]:
    for name in amounts:
        if not name or name in ("CPU", "GPU", "memory"):
            must = "must name a cluster's own resources; CPUs and GPUs have their own keys"
            raise rule(must, found=describe(name))
    return amounts


class Workers(FileSection):
    """How many processes train one trial together."""

    short_for = "most"

    most: WorkerCount
    """as many as each attempt takes where there is room"""
    least: WorkerCount = Field(default_factory=lambda found: found.get("most", 1))
    """as few as an attempt takes where there is room for no more; by default no fewer than most"""

    @model_validator(mode="before")
    @classmethod
    def _of_a_number(cls, value: object) -> object:
        if isinstance(value, Mapping | cls):
            return value
        if isinstance(value, bool) or not isinstance(value, int):
            raise rule("must be an integer", accepted="{most: …, least: …}")
        return {"most": value}

    @model_validator(mode="after")
    def _in_order(self) -> Workers:
        if self.least > self.most:
            raise rule(f"must be {self.most} or fewer, as is most", ["least"], beside=["most"])
        return self

    @property
    def may_differ(self) -> bool:
        """Whether attempts at a trial may have different numbers of workers."""
        return self.least < self.most


def _workers_as_written(workers: Workers) -> object:
    """Return the shortest form that reads back equal; None where there is one worker."""
    if workers.may_differ:
        return {"most": workers.most, "least": workers.least}
    return workers.most if workers.most > 1 else None


class Resources(FileSection):
    """What each worker of a trial occupies, and how many there are."""

    workers: Annotated[Workers, PlainSerializer(_workers_as_written)] = Workers(most=1)
    """processes that train one trial together: a number, or {most: …, least: …}"""
    cpus: Amount = 1.0
    """cores and torch threads of each worker"""
    gpus: Fraction = 0.0
    """a share of one GPU; 0 or 1 where there are several workers"""
    custom: Annotated[
        dict[str, Amount], BeforeValidator(_resources_by_name), AfterValidator(_own_resources)
    ] = Field(default_factory=dict)
    """amounts of a cluster's own resources, by name"""

    @model_validator(mode="after")
    def _whole_gpus(self) -> Resources:
        if self.workers.most > 1 and 0 < self.gpus < 1:
            raise rule("must be 0 or 1 where a trial has several workers", ["gpus"])
        return self

    @property
    def most_cpus(self) -> float:
        """What all workers of a trial occupy, where there are as many as it may have."""
        return self.cpus * self.workers.most

    @property
    def most_gpus(self) -> float:
        """The same of GPUs."""
        return self.gpus * self.workers.most

    @property
    def by_name(self) -> dict[str, float]:
        """What each worker wants of each resource, under Ray's names."""
        wanted = {"CPU": self.cpus, "GPU": self.gpus, **self.custom}
        return {name: amount for name, amount in wanted.items() if amount}


class StudyLimits(FileSection):
    """Budgets of the whole study: hours and money interrupt it, ``failures`` halts it, ``target``
    ends it.
    """

    wall_hours: AboveZero | None = None
    """then the study is interrupted, and resumable"""
    gpu_hours: AboveZero | None = None
    """the same in hours of GPUs held"""
    spend: AboveZero | None = None
    """the same in money, by the prices of prices"""
    failures: AtLeastOne | None = None
    """so many failed trials halt the study"""
    target: Number | None = None
    """a value of the objective that is good enough"""


class Retries(FileSection):
    """How often a trial is tried again after each kind of failure."""

    node: Tries = 10
    """lost workers and nodes, and GPUs that fail"""
    error: Tries = 0
    """exceptions"""
    out_of_memory: Tries = 1
    """each with twice the accumulation"""


class TrialLimits(FileSection):
    """Limits of one trial."""

    hours: AboveZero | None = None
    """a trial that takes longer fails"""
    heartbeat_s: AboveZero = 300.0
    """seconds without a sign of life after which a trial is hung"""
    retries: Retries = Retries()
    """tries again after a failure, by its kind"""

    @property
    def silence_s(self) -> float:
        """For how long a trial may show no sign of life, once that counts."""
        return self.heartbeat_s


class Roles(FileSection):
    """Which varied paths are compared and which are tuned away; all others are fixed."""

    scientific: Annotated[tuple[str, ...], OneOrMore()] = ()
    """choices and branch names that are compared"""
    nuisance: Annotated[tuple[str, ...], OneOrMore()] = ()
    """paths that are tuned for each of them"""


class Racing(FileSection):
    """Further replicates of a point are not started once it is clearly losing."""

    threshold: ZeroOrMore = 0.05
    """in units of the objective"""


def _entry_index(value: object) -> object:
    match = re.fullmatch(r"first\[(\d{1,6})\]", value) if isinstance(value, str) else None
    if match is None:
        raise rule("must name an entry of first", accepted="first[0] | first[1] | …")
    return int(match.group(1))


EntryIndex = Annotated[
    int,
    BeforeValidator(_entry_index),
    PlainSerializer(lambda index: f"first[{index}]"),
    WithJsonSchema({"type": "string", "pattern": r"^first\[[0-9]+\]$"}),
]
"""An entry of ``first:``, written ``first[0]`` and held as its index."""


class Confirm(FileSection):
    """Fresh seeds after the search, for the best points and for a baseline."""

    top: Replicates = 3
    """how many of the best points"""
    replicates: Replicates = 5
    """fresh seeds for each"""
    against: EntryIndex | None = None
    """the baseline, such as first[0]"""


RecipeValues = Annotated[dict[str, Any], AfterValidator(expand)]
"""Values of a recipe, some of them: nested mappings, whichever way they were written."""


class First(FileSection):
    """A point that runs first, exactly as written."""

    set: RecipeValues
    """recipe values; what is left out has the recipe's value"""
    published: Annotated[tuple[PublishedFigures, ...], OneOrMore()] = ()
    """published figures that stand beside the measured ones"""
