"""How many epochs each training would have had at least and at most under another pruner, and which
would have come to their end: where curves were cut off, nobody knows how they would have gone on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from study.inspection.decisions.replay.curves import Curve, Curves
from study.inspection.decisions.replay.possible_stops import Field, may_stop
from study.journal.history import History
from study.journal.outcomes import objective_values
from study.sampling.arm import longest_training
from study.sampling.stop_rules import StopRule, Values, make_stop_rule
from study.spec.spec import StudySpec

Chance = Literal["no", "perhaps", "yes"]


@dataclass(frozen=True)
class Fate:
    """What may become of a training."""

    curve: Curve
    least: int
    most: int
    """The epochs that it has, at least and at most."""
    completes: Chance

    def is_shown(self, epoch: int) -> Chance:
        """Whether others are compared with it at an epoch: a training's last never counts."""
        if self.curve.end == "finished" and epoch >= self.curve.epochs:
            return "no"
        if self.curve.end == "cut" and epoch >= self.curve.longest:
            return "no"
        if epoch <= self.least:
            return "yes"
        return "perhaps" if epoch <= self.most else "no"


def untouched(curve: Curve) -> Fate:
    """What may become of a training that no pruner stops."""
    if curve.is_whole:
        completes: Chance = "yes" if curve.end == "finished" else "no"
        return Fate(curve, curve.epochs, curve.epochs, completes)
    return Fate(curve, curve.epochs, max(curve.longest, curve.epochs), "perhaps")


class Bounds:
    """The fates of a study's first seeds, which are those that the pruner judges.

    ``in_order`` says whether a trial is compared with those of lower number alone: so it is in a
    reproducible study, and with a single worker. Elsewhere anyone may or may not be there, as it
    depends on how fast workers are.
    """

    def __init__(
        self, spec: StudySpec, history: History, curves: Curves, *, in_order: bool
    ) -> None:
        self._spec = spec
        self._by_number = bool(history.reproducible)
        self._in_order = in_order
        self._rule = make_stop_rule(spec.pruner, spec.objectives, longest_training(spec))
        self.fates: dict[int, Fate] = {}
        """By point."""
        arms: dict[int, list[tuple[int, Curve | None]]] = {}
        for point in history.points:
            curve = curves.get((point.number, 0))
            if point.level is not None:
                arms.setdefault(point.level, []).append((point.number, curve))
            elif curve is not None:
                self.fates[point.number] = untouched(curve)
        for arm in arms.values():
            self._judge_arm(arm)

    def _judge_arm(self, arm: list[tuple[int, Curve | None]]) -> None:
        """Find the fates of an arm's first seeds; their index is their place in it."""
        fates = [None if curve is None else untouched(curve) for _, curve in arm]
        for index, (number, curve) in enumerate(arm):
            if curve is None:
                continue
            fate = untouched(curve)
            if self._rule is not None:
                fate = self._judge(self._rule, index, curve, fates)
            if self._in_order:  # those after it see what may have become of it
                fates[index] = fate
            self.fates[number] = fate

    def _judge(
        self, rule: StopRule, index: int, curve: Curve, fates: Sequence[Fate | None]
    ) -> Fate:
        """Follow a training epoch by epoch, for as long as it may go on."""
        free = untouched(curve)
        least: int | None = None
        reports: list[Values] = []
        for epoch in range(1, curve.epochs + 1):
            reports.append(objective_values(curve.trial, self._spec.objectives, epoch))
            is_end = curve.end == "finished" and epoch == curve.epochs
            if is_end or not rule.decides(index, epoch):
                continue
            verdicts = may_stop(rule, reports, self._field(rule, index, epoch, fates))
            if True in verdicts and least is None:
                least = epoch
            if False not in verdicts:
                return Fate(curve, least or epoch, epoch, "no")
        if least is None:
            return free
        completes: Chance = "no" if free.completes == "no" else "perhaps"
        return Fate(curve, min(least, free.least), free.most, completes)

    def _field(self, rule: StopRule, index: int, epoch: int, fates: Sequence[Fate | None]) -> Field:
        """Whom a trial is compared with at an epoch."""
        sure: list[Values] = []
        perhaps: list[Values | None] = []
        ended = [0, 0]
        for other, fate in self._others(index, fates):
            counts_when_complete = rule.compares_with_complete and not self._by_number
            if counts_when_complete:
                ended[0] += self._in_order and fate.completes == "yes"
                ended[1] += fate.completes != "no"
            shown = fate.is_shown(epoch)
            if shown == "no" or rule.bracket(other) != rule.bracket(index):
                continue
            if counts_when_complete and fate.completes == "no":
                continue
            is_sure = shown == "yes" and self._in_order
            if counts_when_complete and fate.completes != "yes":
                is_sure = False
            values = self._values(fate, epoch)
            if is_sure and values is not None:
                sure.append(values)
            else:
                perhaps.append(values)
        if self._by_number or not rule.compares_with_complete:
            ended = [len(sure), len(sure) + len(perhaps)]
        return Field(sure, perhaps, (ended[0], ended[1]))

    def _others(self, index: int, fates: Sequence[Fate | None]) -> Iterator[tuple[int, Fate]]:
        """The trials that may be shown to a decision on one."""
        for other, fate in enumerate(fates):
            if fate is None or other == index:
                continue
            if other < index or not self._in_order:
                yield other, fate

    def _values(self, fate: Fate, epoch: int) -> Values | None:
        """A training's objectives at an epoch; None where nobody knows them."""
        if epoch > fate.curve.epochs:
            return None
        return objective_values(fate.curve.trial, self._spec.objectives, epoch)
