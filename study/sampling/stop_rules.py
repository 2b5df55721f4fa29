"""What a pruner compares when it decides, as plain arithmetic: who the rivals are, where a trial
stands among them, and what would have been enough.

The decisions themselves are Optuna's and ``FrontPruner``'s, whose code this repeats in the open:
``tests/study/sampling/test_stop_rules.py`` holds both against each other.
"""

from __future__ import annotations

import binascii
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from study.sampling.front_pruner import FrontPruner, better_than_last

if TYPE_CHECKING:
    from study.spec.pruners import PrunerChoice
    from study.spec.sections import Objective

Values = tuple[float, ...]
"""A trial's objectives after an epoch, as it reported them."""

STUDY_OF_BRACKETS = "study"
"""The name by which Hyperband spreads trials over brackets, the same for all studies."""
_MEDIAN_PERCENT = 50.0


@dataclass(frozen=True)
class Comparison:
    """A trial beside its rivals at an epoch at which a pruner decides."""

    value: Values
    """What of the trial was compared."""
    stops: bool
    rank: int | None
    """Its place among its rivals and itself, from 1; None where it is compared with itself."""
    places: int | None
    """How many of them go on; None where there is no such number."""
    needed: Values | None
    """Values with which it would have gone on; None where it does, or where none is known."""


class StopRule(Protocol):
    """How a pruner decides. Trials are known by their index in the arm, epochs count from 1."""

    has_rivals: ClassVar[bool]
    """Whether a trial is compared with others."""
    compares_with_complete: ClassVar[bool]
    """Whether it is compared with COMPLETE trials alone, where trials don't go by number."""

    def decides(self, index: int, epoch: int) -> bool:
        """Whether the trial may be stopped at this epoch."""
        ...

    def bracket(self, index: int) -> int | None:
        """The bracket, from 0, in which the trial has its rivals; None where there are none."""
        ...

    def rung(self, index: int, epoch: int) -> int | None:
        """The number, from 0, of the bracket's rung at an epoch; None where there are none."""
        ...

    def compare(
        self, reports: Sequence[Values], rivals: Sequence[Values], ended: int
    ) -> Comparison:
        """Compare a trial by its reports up to the epoch with its rivals' values there.

        ``ended`` is how many trials count for a rule that lets the first few run.
        """
        ...


def make_stop_rule(
    choice: PrunerChoice, objectives: Sequence[Objective], epochs: int
) -> StopRule | None:
    """The rule of a study file's pruner; None where it stops nothing.

    ``epochs`` is the most that a trial can have.
    """
    options = choice.options
    if choice.name == "none" or choice.promotes:
        return None
    if len(objectives) > 1:
        signs = tuple(float(objective.sign) for objective in objectives)
        return FrontRule(choice.name, options, signs, epochs)
    sign = float(objectives[0].sign)
    if choice.name in ("asha", "hyperband"):
        longest = None
        if choice.name == "hyperband":
            longest = max(options.get("max_epochs") or epochs, options["min_epochs"])
        return HalvingRule(sign, options["min_epochs"], options["reduction"], longest)
    if choice.name == "patient":
        return PatientRule(sign, options["patience"], options["min_delta"])
    if choice.name in ("median", "percentile"):
        return RankedRule(sign, options)
    raise ValueError(f"nothing is known of what the pruner {choice.name} compares")


@dataclass(frozen=True)
class HalvingRule:
    """asha and hyperband: at each rung one in ``reduction`` goes on, at least one.

    ``longest`` is what Hyperband divides into brackets; without it there is a single bracket.
    """

    has_rivals: ClassVar[bool] = True
    compares_with_complete: ClassVar[bool] = False

    sign: float
    first: int
    reduction: int
    longest: int | None = None

    def decides(self, index: int, epoch: int) -> bool:
        return self.rung(index, epoch) is not None

    def bracket(self, index: int) -> int | None:
        if self.longest is None:
            return None
        code = binascii.crc32(f"{STUDY_OF_BRACKETS}_{index}".encode())
        left = code % sum(self._shares)
        for bracket, share in enumerate(self._shares):
            left -= share
            if left < 0:
                return bracket
        raise ValueError(f"no bracket for trial {index}")

    @cached_property
    def _shares(self) -> list[int]:
        """Of how many trials each bracket has how many, as Hyperband shares them out."""
        assert self.longest is not None
        count = math.floor(math.log(self.longest / self.first, self.reduction)) + 1
        return [
            math.ceil(count * self.reduction ** (count - 1 - bracket) / (count - bracket))
            for bracket in range(count)
        ]

    def rung(self, index: int, epoch: int) -> int | None:
        rung = 0
        at = self.first * self.reduction ** (self.bracket(index) or 0)
        while at < epoch:
            at *= self.reduction
            rung += 1
        return rung if at == epoch else None

    def places(self, competing: int) -> int:
        """How many of those that compete at a rung go on."""
        return max(1, competing // self.reduction)

    def compare(
        self, reports: Sequence[Values], rivals: Sequence[Values], ended: int
    ) -> Comparison:
        own = reports[-1]
        values = sorted((self.sign * rival[0] for rival in rivals), reverse=True)
        better = sum(value > self.sign * own[0] for value in values)
        places = self.places(len(values) + 1)
        stops = math.isnan(own[0]) or better >= places
        needed = (self.sign * values[places - 1],) if stops and len(values) >= places else None
        return Comparison(own, stops, better + 1, places, needed)


@dataclass(frozen=True)
class RankedRule:
    """median and percentile: the best value so far must reach the trials' percentile at the epoch,
    once a few trials are there to compare with.
    """

    has_rivals: ClassVar[bool] = True
    compares_with_complete: ClassVar[bool] = True

    sign: float
    options: Mapping[str, Any]

    def decides(self, index: int, epoch: int) -> bool:
        since = epoch - int(self.options["warmup_epochs"])
        return since >= 0 and (epoch == 1 or since % int(self.options["interval_epochs"]) == 0)

    def bracket(self, index: int) -> int | None:
        return None

    def rung(self, index: int, epoch: int) -> int | None:
        return None

    def is_open(self, rivals: int, ended: int) -> bool:
        """Whether there are enough trials that one may be stopped."""
        startup, fewest = int(self.options["startup_trials"]), int(self.options["min_trials"])
        return ended >= max(1, startup) and rivals >= fewest

    def bar(self, rivals: Sequence[Values]) -> float:
        """The value that is enough; NaN where no rival has one."""
        share = float(self.options.get("percentile", _MEDIAN_PERCENT))
        values = np.array([rival[0] for rival in rivals], dtype=float)
        if np.isnan(values).all():
            return math.nan
        return float(np.nanpercentile(values, 100 - share if self.sign > 0 else share))

    def best(self, reports: Sequence[Values]) -> float:
        """The best value so far; NaN where there is none."""
        values = [report[0] for report in reports if not math.isnan(report[0])]
        return max(values, key=lambda value: self.sign * value, default=math.nan)

    def compare(
        self, reports: Sequence[Values], rivals: Sequence[Values], ended: int
    ) -> Comparison:
        own = self.best(reports)
        better = sum(self.sign * rival[0] > self.sign * own for rival in rivals)
        if not self.is_open(len(rivals), ended):
            return Comparison((own,), False, better + 1, None, None)
        bar = self.bar(rivals)
        stops = math.isnan(own) or self.sign * own < self.sign * bar
        return Comparison((own,), stops, better + 1, None, (bar,) if stops else None)


@dataclass(frozen=True)
class PatientRule:
    """A trial stops that has made no progress for ``patience`` epochs and one more."""

    has_rivals: ClassVar[bool] = False
    compares_with_complete: ClassVar[bool] = False

    sign: float
    patience: int
    least_progress: float

    def decides(self, index: int, epoch: int) -> bool:
        return epoch > self.patience + 1

    def bracket(self, index: int) -> int | None:
        return None

    def rung(self, index: int, epoch: int) -> int | None:
        return None

    def compare(
        self, reports: Sequence[Values], rivals: Sequence[Values], ended: int
    ) -> Comparison:
        values = [self.sign * report[0] for report in reports]
        latest = float(np.nanmax(values[-self.patience - 1 :]))
        bar = float(np.nanmax(values[: -self.patience - 1])) - self.least_progress
        stops = bar > latest
        return Comparison(
            (self.sign * latest,), stops, None, None, (self.sign * bar,) if stops else None
        )


class FrontRule:
    """Several objectives: the share that goes on is counted by non-dominated fronts, within a
    front by crowding distance.
    """

    has_rivals: ClassVar[bool] = True
    compares_with_complete: ClassVar[bool] = False

    def __init__(
        self, name: str, options: dict[str, Any], signs: tuple[float, ...], epochs: int
    ) -> None:
        self.signs = signs
        self._pruner = FrontPruner(name, options, signs, epochs, by_number=True)

    def decides(self, index: int, epoch: int) -> bool:
        return self.rung(index, epoch) is not None

    def bracket(self, index: int) -> int | None:
        return self._pruner.bracket(index) if self._pruner.brackets > 1 else None

    def rung(self, index: int, epoch: int) -> int | None:
        rungs = self._pruner.rungs_of(index)
        return rungs.index(epoch) if epoch in rungs else None

    def compare(
        self, reports: Sequence[Values], rivals: Sequence[Values], ended: int
    ) -> Comparison:
        own = reports[-1]
        before = self._before(own, rivals)
        places = self._pruner.places(len(rivals) + 1)
        stops = len(rivals) >= self._pruner.startup and places <= before
        needed = self._enough(rivals, places) if stops else None
        return Comparison(own, stops, before + 1, places, needed)

    def _before(self, own: Values, rivals: Sequence[Values]) -> int:
        """How many rivals come before a trial with these values."""
        return better_than_last(np.array(self.signs) * np.array([*rivals, own], dtype=float))

    def _enough(self, rivals: Sequence[Values], places: int) -> Values | None:
        """The last rival's values with which the trial itself would have gone on."""
        enough = [rival for rival in rivals if self._before(rival, rivals) < places]
        return max(enough, key=lambda rival: self._before(rival, rivals), default=None)
