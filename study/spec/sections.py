"""The sections of a study file as frozen values: what ``StudySpec`` is made of.

Each is complete: every default is filled in, "off" is None. How they are read from a file is in
``study.spec.study_file``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from study.training.recipe.metric_catalog import Direction, is_better, reaches, sign_of

Scalar = bool | int | float | str | None
Value = Scalar | list[Scalar]  # what a recipe field may hold; a list for milestones and the like
Options = Mapping[str, Scalar]


@dataclass(frozen=True)
class Objective:
    """What is optimized: a column of the epoch rows or of a trial's summary."""

    metric: str
    direction: Direction
    at: Literal["last", "best"] = "last"

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
    """The column of the epoch rows that holds a metric."""
    return "seconds" if metric == "total_seconds" else metric


@dataclass(frozen=True)
class Resources:
    """What one trial occupies: CPU cores, which are also its torch threads, a share of one GPU, and
    what a cluster calls its own by name."""

    cpus: float = 1.0
    gpus: float = 0.0
    custom: Mapping[str, float] = field(default_factory=dict)

    @property
    def by_name(self) -> dict[str, float]:
        """What is wanted of each resource, under Ray's names."""
        wanted = {"CPU": self.cpus, "GPU": self.gpus, **self.custom}
        return {name: amount for name, amount in wanted.items() if amount}


@dataclass(frozen=True)
class SamplerChoice:
    """A sampler by name; ``options`` holds only what the file says, in Optuna's own words."""

    name: str = "tpe"
    seed: int = 0
    options: Options = field(default_factory=dict)


@dataclass(frozen=True)
class PrunerChoice:
    """A pruner by name; ``options`` is complete."""

    name: str = "none"
    options: Options = field(default_factory=dict)


@dataclass(frozen=True)
class Stop:
    """Study-wide budgets; None is no limit. The hours interrupt (resumable), ``failures`` halts,
    ``target`` ends.
    """

    wall_hours: float | None = None
    gpu_hours: float | None = None
    failures: int | None = None
    target: float | None = None


@dataclass(frozen=True)
class Retries:
    """How often a trial is tried again after each kind of failure."""

    node: int = 10
    error: int = 0
    out_of_memory: int = 1


@dataclass(frozen=True)
class TrialLimits:
    """Limits of one trial: its hours, and the seconds without a sign of life after which it counts
    as hung.
    """

    hours: float | None = None
    heartbeat_s: float = 300.0
    retries: Retries = field(default_factory=Retries)


@dataclass(frozen=True)
class Roles:
    """Which varied paths are compared (scientific) and which are tuned away (nuisance); all others
    are fixed.
    """

    scientific: tuple[str, ...] = ()
    nuisance: tuple[str, ...] = ()


@dataclass(frozen=True)
class Racing:
    """Further replicates of a point are not started once it loses by more than ``threshold`` of the
    objective.
    """

    threshold: float = 0.05


@dataclass(frozen=True)
class Confirm:
    """Fresh seeds after the search: for the ``top`` points and for the baseline, an index into
    ``first``.
    """

    top: int = 3
    replicates: int = 5
    against: int | None = None


@dataclass(frozen=True)
class First:
    """A point that runs first, exactly as written, and the published figures that stand beside
    it.
    """

    set: Mapping[str, object]
    published: tuple[Mapping[str, Scalar], ...] = ()
