"""What a study costs and finds under a pruner: in epochs, in hours, and how good its best point is
beside the one that the study really found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from study.inspection.decisions.replay.bounds import Bounds, Chance, Fate
from study.inspection.decisions.replay.curves import Curve, CurveEnd, Curves
from study.inspection.decisions.replay.rerun import Rerun, workers_of
from study.journal.history import History
from study.journal.outcomes import search_trials, trial_value
from study.journal.ranking import best_point
from study.spec.spec import StudySpec

_SECONDS_AN_HOUR = 3600
_COMPARES_WITH_NONE = ("none", "patient")
"""Pruners whose decisions depend on no other trial, so that no order of trials matters."""
_FAILURES: tuple[CurveEnd, ...] = ("failed", "stopped")
"""How a seed's training ends after which its point gets no further one."""


@dataclass(frozen=True)
class Range:
    """A figure between bounds; None where it isn't bounded on that side."""

    low: float | None
    high: float | None

    @property
    def is_point(self) -> bool:
        return self.low is not None and self.low == self.high


@dataclass(frozen=True)
class RuleOutcome:
    """What the same points would have cost and found under a pruner."""

    pruner: str
    """As it was written."""
    options: Mapping[str, Any]
    """The pruner in full."""
    epochs: int
    hours: float
    """For which trials hold their workers. Where it isn't exact, both are those of a study in which
    each curve that was cut off had gone on as it stood.
    """
    winner: int | None
    """The best point; None where nobody knows, or where no point would have been complete."""
    loss: float | None
    """By how much the winner is worse than the real one, in the objective's unit."""
    exact: bool
    epochs_range: Range
    hours_range: Range
    loss_range: Range
    hourly: float | None = None
    """What an hour costs; None without prices."""

    @property
    def money(self) -> float | None:
        """What the hours cost; None without prices."""
        return None if self.hourly is None else self.hours * self.hourly

    def tree(self) -> dict[str, Any]:
        """Return the outcome as plain data, for JSON."""
        return {
            "pruner": self.pruner,
            "options": dict(self.options),
            "epochs": self.epochs,
            "hours": self.hours,
            "winner": self.winner,
            "loss": self.loss,
            "exact": self.exact,
            "low": self.epochs_range.low,
            "high": self.epochs_range.high,
            "hours_low": self.hours_range.low,
            "hours_high": self.hours_range.high,
            "loss_low": self.loss_range.low,
            "loss_high": self.loss_range.high,
            **({} if self.money is None else {"money": self.money}),
        }


class Recorded:
    """A study as it was run, and what became of it."""

    def __init__(self, spec: StudySpec, history: History, curves: Curves) -> None:
        self.spec = replace(spec, confirm=None)  # fresh seeds are chosen by what the search found
        self.history = history
        self.curves = curves
        self.winner = best_point(history.points, self.spec, whole_seeds=history.whole_seeds)
        self.in_order = bool(history.reproducible) or workers_of(spec, history) == 1
        """Whether a decision depends on trials of lower number alone."""

    def depends_on_pace(self, spec: StudySpec) -> bool:
        """Whether the outcome under another pruner depends on how fast workers are."""
        if not self.in_order and spec.pruner.name not in _COMPARES_WITH_NONE:
            return True
        # seeds that run side by side: once one fails, those that haven't begun never do
        side_by_side = 0 if spec.pruner.name == "none" and not spec.racing else 1
        return spec.replicates > side_by_side + 1 and any(
            curve.end in _FAILURES and replicate >= side_by_side
            for (_, replicate), curve in self.curves.items()
        )

    def loss_of(self, value: float | None) -> float | None:
        """By how much a value is worse than that of the real winner."""
        if value is None or self.winner is None:
            return None
        return self.spec.objectives[0].sign * (self.winner.first_value - value)

    def real_outcome(self, pruner: str) -> RuleOutcome:
        """What the study did cost and find, under its own pruner."""
        trials = [trial for point in self.history.points for trial in search_trials(point)]
        epochs = sum(trial.epochs for trial in trials)
        curves = self.curves.values()
        hours = sum(curve.held_seconds(curve.epochs) for curve in curves) / _SECONDS_AN_HOUR
        loss = None if self.winner is None else 0.0
        return RuleOutcome(
            pruner=pruner,
            options=self.spec.pruner.tree(),
            epochs=epochs,
            hours=hours,
            winner=None if self.winner is None else self.winner.number,
            loss=loss,
            exact=True,
            epochs_range=Range(epochs, epochs),
            hours_range=Range(hours, hours),
            loss_range=Range(loss, loss),
        )


def outcome_under(recorded: Recorded, spec: StudySpec, pruner: str) -> RuleOutcome:
    """What the recorded points would have cost and found under the pruner of ``spec``."""
    rerun = Rerun(spec, recorded.history, recorded.curves)
    rerun.run()
    if not rerun.guessed and not recorded.depends_on_pace(spec):
        return _exact(recorded, rerun, pruner)
    epochs, hours = _cost_of(rerun)
    return _bounded(recorded, spec, pruner, epochs, hours)


def exact_outcome(recorded: Recorded, spec: StudySpec, pruner: str) -> RuleOutcome | None:
    """The same where it is exact by a rerun, else None; that takes less than to find the bounds."""
    if recorded.depends_on_pace(spec):
        return None
    rerun = Rerun(spec, recorded.history, recorded.curves)
    rerun.run(only_known=True)
    return None if rerun.guessed else _exact(recorded, rerun, pruner)


def _cost_of(rerun: Rerun) -> tuple[int, float]:
    """The epochs and the hours of a rerun."""
    epochs = sum(trial.epochs for trial in rerun.history.trials)
    return epochs, rerun.seconds() / _SECONDS_AN_HOUR


def _exact(recorded: Recorded, rerun: Rerun, pruner: str) -> RuleOutcome:
    """The outcome of a rerun in which nothing had to be guessed."""
    epochs, hours = _cost_of(rerun)
    points = rerun.history.points
    best = best_point(points, rerun.spec, whole_seeds=rerun.history.whole_seeds)
    loss = recorded.loss_of(None if best is None else best.first_value)
    return RuleOutcome(
        pruner=pruner,
        options=rerun.spec.pruner.tree(),
        epochs=epochs,
        hours=hours,
        winner=None if best is None else rerun.recorded_numbers[best.number],
        loss=loss,
        exact=True,
        epochs_range=Range(epochs, epochs),
        hours_range=Range(hours, hours),
        loss_range=Range(loss, loss),
    )


def _bounded(
    recorded: Recorded, spec: StudySpec, pruner: str, epochs: int, hours: float
) -> RuleOutcome:
    """The outcome between its bounds; ``epochs`` and ``hours`` are of one that may well be."""
    possible = _Possible(recorded, spec)
    low, high = possible.epochs()
    hours_low, hours_high = possible.hours()
    winner, losses = possible.winner()
    return RuleOutcome(
        pruner=pruner,
        options=spec.pruner.tree(),
        epochs=min(max(epochs, low), high),
        hours=min(max(hours, hours_low), hours_high),
        winner=winner,
        loss=losses.low if losses.is_point else None,
        exact=low == high and winner is not None and losses.is_point,
        epochs_range=Range(low, high),
        hours_range=Range(hours_low, hours_high),
        loss_range=losses,
    )


@dataclass(frozen=True)
class _Extent:
    """How far a training goes, at least and at most; ``curve`` says what an epoch of it takes."""

    curve: Curve
    least: int
    most: int
    may_not_begin: bool = False

    def least_seconds(self) -> float:
        """For how long it holds a worker at least."""
        return 0.0 if self.may_not_begin else self.curve.held_seconds(self.least)


class _Possible:
    """All that may have become of a study's points under a pruner."""

    def __init__(self, recorded: Recorded, spec: StudySpec) -> None:
        self._recorded = recorded
        self._spec = spec
        bounds = Bounds(spec, recorded.history, recorded.curves, in_order=recorded.in_order)
        self._fates = bounds.fates
        self._extents = list(self._trainings())

    def epochs(self) -> tuple[int, int]:
        """All epochs, at least and at most."""
        least = sum(extent.least for extent in self._extents)
        return least, sum(extent.most for extent in self._extents)

    def hours(self) -> tuple[float, float]:
        """All hours, at least and at most."""
        least = sum(extent.least_seconds() for extent in self._extents)
        most = sum(extent.curve.held_seconds(extent.most) for extent in self._extents)
        return least / _SECONDS_AN_HOUR, most / _SECONDS_AN_HOUR

    def _trainings(self) -> Iterator[_Extent]:
        """Every training that there may have been."""
        for number, fate in self._fates.items():
            yield _Extent(fate.curve, fate.least, fate.most)
            for replicate in range(1, self._spec.replicates):
                yield self._further(number, replicate, fate)

    def _further(self, number: int, replicate: int, first: Fate) -> _Extent:
        """A further seed's training: it runs whole, once the first seed is complete."""
        curve = self._recorded.curves.get((number, replicate))
        if curve is None:
            return _Extent(first.curve, 0, first.curve.longest, may_not_begin=True)
        most = curve.epochs if curve.is_whole else max(curve.longest, curve.epochs)
        is_certain = first.completes == "yes" and self._runs_all_seeds and curve.is_whole
        if self._spec.replicates > 2 and self._has_failed(number):
            is_certain = False
        return _Extent(curve, most if is_certain else 0, most, may_not_begin=not is_certain)

    def _has_failed(self, number: int) -> bool:
        """Whether one of a point's further seeds failed, so that others may not have begun."""
        return any(curve is not None and curve.end in _FAILURES for curve in self._others(number))

    def _others(self, number: int) -> list[Curve | None]:
        """The curves of a point's seeds but the first; None for those that never ran."""
        seeds = range(1, self._spec.replicates)
        return [self._recorded.curves.get((number, replicate)) for replicate in seeds]

    @property
    def _runs_all_seeds(self) -> bool:
        """Whether all seeds of a complete point run whole, whatever others have shown."""
        return self._recorded.history.whole_seeds and not self._spec.racing

    # --- the winner ---

    def winner(self) -> tuple[int | None, Range]:
        """The best point where there can be but one, and the losses that there may be."""
        chances = {number: self._completes(number, fate) for number, fate in self._fates.items()}
        values = {number: self._value(number) for number in chances if chances[number] != "no"}
        known = {number: value for number, value in values.items() if value is not None}
        certain = [number for number in known if chances[number] == "yes"]
        sign = self._spec.objectives[0].sign
        order = sorted(known, key=lambda number: (-sign * known[number], number))
        worst = min(map(order.index, certain), default=None)
        greatest_loss = None if worst is None else self._loss(known[order[worst]])
        if not known or len(known) < len(values):  # who nobody knows may be better than any
            return None, Range(None, greatest_loss)
        least_loss = self._loss(known[order[0]])
        return order[0] if worst == 0 else None, Range(least_loss, greatest_loss)

    def _loss(self, value: float) -> float | None:
        return self._recorded.loss_of(value)

    def _completes(self, number: int, first: Fate) -> Chance:
        """Whether a point comes to have a value."""
        if self._has_failed(number) or self._recorded.history.points[number].is_dropped:
            return "no"
        further = self._others(number)
        if any(curve is None or not curve.is_whole for curve in further):
            return "no" if first.completes == "no" else "perhaps"
        if not self._runs_all_seeds and further:
            return "no" if first.completes == "no" else "perhaps"
        return first.completes

    def _value(self, number: int) -> float | None:
        """A point's mean over all its seeds; None where one isn't known."""
        objective = self._spec.objectives[0]
        values = []
        for replicate in range(self._spec.replicates):
            curve = self._recorded.curves.get((number, replicate))
            if curve is None or curve.end != "finished":
                return None
            values.append(trial_value(curve.trial, objective))
        return sum(values) / len(values)
