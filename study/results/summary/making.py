"""A study's summary, made from what its journal adds up to."""

from __future__ import annotations

from collections import Counter
from typing import Any

from study.journal.history import History
from study.journal.outcomes import trial_value
from study.journal.ranking import (
    CONFIRMED,
    best_point,
    fresh_value,
    is_confirmation_over,
    standing,
)
from study.journal.trials import Point
from study.results.attempts import wall_seconds
from study.results.bill import bill_of
from study.results.summary.summary import Summary
from study.spec.spec import StudySpec

_SECONDS_AN_HOUR = 3600
_NOT_TO_RESUME = ("target", "failures", "halted")
"""Ends after which `study resume` by itself does nothing, or would only fail again."""


def summary_of(history: History, spec: StudySpec) -> Summary:
    """Return what a study amounts to by its history and the spec that it runs by."""
    state = _state(history)
    counted = [point.state for point in history.points if not point.is_dropped]
    return Summary(
        state=state,
        goes_on=_goes_on(history, spec, state),
        points=len(history.points),
        of=spec.points,
        added=history.user_points,
        dropped=len(history.points) - len(counted),
        states=dict(sorted(Counter(counted).items())),
        trials=len(history.trials),
        failures=sum(trial.state == "FAIL" for trial in history.trials),
        epochs=sum(trial.epochs for trial in history.trials),
        trial_seconds=sum(wall_seconds(history, trial) for trial in history.trials),
        objective=spec.objectives[0].metric,
        **_best(history, spec),
        **_money(history, spec),
        sessions=len(history.sessions),
        last_event_at=history.sessions[-1].last_event_at if history.sessions else None,
    )


def _state(history: History) -> str:
    if not history.sessions:
        return "new"
    return history.sessions[-1].reason or "interrupted"


def _goes_on(history: History, spec: StudySpec, state: str) -> bool:
    """Return whether `study resume` finds something to do: a complete study may have got more."""
    if state != "complete":
        return state not in _NOT_TO_RESUME
    is_open = any(not point.has_ended for point in history.points if not point.is_dropped)
    is_over = is_confirmation_over(history.points, spec, whole_seeds=history.whole_seeds)
    return is_open or not is_over


def _best(history: History, spec: StudySpec) -> dict[str, Any]:
    """Return the best point's part of a summary."""
    best = best_point(history.points, spec, whole_seeds=history.whole_seeds)
    if best is None:
        blank = ("best", "best_standing", "best_fresh", "best_point")
        return {**dict.fromkeys(blank), "best_values": {}, "best_seeds": []}
    confirmed = is_confirmation_over(history.points, spec, whole_seeds=history.whole_seeds)
    place = standing(best, spec, confirmed=confirmed)
    is_fresh = place is not None and place.name == CONFIRMED
    return {
        "best": best.first_value,
        "best_standing": place.name if place else None,
        "best_fresh": fresh_value(best, spec),
        "best_point": best.number,
        "best_values": best.values,
        "best_seeds": _seed_values(best, spec, is_fresh=is_fresh),
    }


def _seed_values(point: Point, spec: StudySpec, *, is_fresh: bool) -> list[float]:
    """Return the values of a point's trials: of its fresh seeds, or of those in its value."""
    trials = [point.trials[seed] for seed in point.seeds]
    if is_fresh:
        trials = [trial for trial in point.trials.values() if trial.kind == "confirm"]
    return [trial_value(trial, spec.objectives[0]) for trial in trials if trial.rows]


def _money(history: History, spec: StudySpec) -> dict[str, Any]:
    """Return what the study has cost so far; null without prices."""
    bill = bill_of(history)
    return {
        "money": bill.money if bill else None,
        "lost_money": bill.lost if bill else None,
        "unpriced_hours": bill.unpriced_s / _SECONDS_AN_HOUR if bill else None,
        "currency": (bill.currency or None) if bill else None,
        "spend": spec.stop.spend,
    }
