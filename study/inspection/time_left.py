"""About how much time a study has left, by the pace of the driver that runs it.

What is left is counted in epochs: of the points that are still to come as many as points have had
so far, those that were pruned among them; and those of the confirmation. The estimate moves slowly,
so that a reader can hold on to it.
"""

from __future__ import annotations

import math
from statistics import fmean

from study.errors import SpecError
from study.inspection.requirements import count_confirmation_trials, expected_epochs
from study.journal.history import History
from study.journal.outcomes import search_trials
from study.journal.trials import Point
from study.spec.spec import StudySpec

_FEWEST_EPOCHS = 3
"""So many epochs have to be finished before their pace says anything."""
_ASSUMED_POINTS = 2
"""At first points are taken to run whole; that counts as much as so many points."""
_SETTLING_S = 5.0
_SETTLING_SHARE = 0.15
"""A new estimate has taken hold after so many seconds, or this share of the time left."""


class TimeLeft:
    """Follows a study's history, and says how many seconds are left."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None
        """When this driver's first epoch was reported, and how many epochs there were once each
        trial that ran then had reported one: they come at nearly the same time.
        """
        self._epochs_before: int | None = None
        self._end: float | None = None
        """The moment of the end as it is estimated."""
        self._updated = 0.0

    def seconds(self, spec: StudySpec, history: History, now: float) -> float | None:
        """Return the seconds left at the moment ``now``; None while nothing is known."""
        pace = self._seconds_of_epoch(history, now)
        if pace is None:
            return None
        found = now + pace * _epochs_left(spec, history)
        if self._end is None:
            self._end = found
        else:
            settling_s = max(_SETTLING_S, _SETTLING_SHARE * (self._end - now))
            weight = 1 - math.exp(-(now - self._updated) / settling_s)
            self._end += weight * (found - self._end)
        self._updated = now
        return max(0.0, self._end - now)

    def _seconds_of_epoch(self, history: History, now: float) -> float | None:
        """Return the seconds that an epoch has taken, those that ran at once counted as one."""
        epochs = sum(trial.epochs for trial in history.trials)
        if self._epochs_before is None:
            self._look_back(history, epochs)
        if self._first is None and epochs > (self._epochs_before or 0):
            self._first = (now, (self._epochs_before or 0) + _count_running(history))
        if self._first is None:
            return None
        began, count = self._first
        if epochs - count < _FEWEST_EPOCHS or now <= began:
            return None
        return (now - began) / (epochs - count)

    def _look_back(self, history: History, epochs: int) -> None:
        """Find out how many epochs there were before this driver, and when its first was."""
        opened = history.sessions[-1].opened_at if history.sessions else 0.0
        times = [row["time"] for trial in history.trials for row in trial.rows]
        since = [moment for moment in times if moment >= opened]
        self._epochs_before = epochs - len(since)
        if since:
            self._first = (min(since), self._epochs_before + _count_running(history))


def _count_running(history: History) -> int:
    return max(1, sum(trial.is_in_flight for trial in history.trials))


# -- how much is left ------------------------------------------------------------------


def _epochs_left(spec: StudySpec, history: History) -> float:
    whole = _whole_length(spec, history)
    if whole is None:
        return 0.0
    fresh = [trial for trial in history.trials if trial.kind == "confirm"]
    confirmation = count_confirmation_trials(spec) * whole / spec.replicates
    left = max(0.0, confirmation - sum(trial.epochs for trial in fresh))
    points, length = spec.points + history.user_points, round(whole / spec.replicates)
    expected = expected_epochs(spec, points, length)
    if expected is not None:
        return left + max(0, expected - sum(map(_searched_epochs, history.points)))
    ended = [point for point in history.points if point.has_ended]
    lengths = [_searched_epochs(point) for point in ended]
    usual = fmean([*lengths, *[whole] * _ASSUMED_POINTS])
    left += max(0, points - len(history.points)) * usual
    for point in history.points:
        if not point.has_ended:
            left += _rest_of(point, usual, whole)
    return left


def _whole_length(spec: StudySpec, history: History) -> float | None:
    """Return the epochs of a point all of whose seeds run to their end; None where not even
    one has shown that.
    """
    lengths = [epochs_of_trial(spec, point) for point in history.points[-1:]]
    known = [length for length in lengths if length is not None]
    if known:
        return known[0] * spec.replicates
    complete = [p for p in history.points if p.state == "COMPLETE"]
    return fmean(map(_searched_epochs, complete)) if complete else None


def epochs_of_trial(spec: StudySpec, point: Point) -> int | None:
    """Return how many epochs a trial of a point has; None where its length isn't in epochs."""
    try:
        return spec.training(point.values).length
    except SpecError:
        return None


def _searched_epochs(point: Point) -> int:
    return sum(trial.epochs for trial in search_trials(point))


def _rest_of(point: Point, usual: float, whole: float) -> float:
    """Estimate the epochs that an open point still has; one that wasn't pruned runs whole."""
    done = _searched_epochs(point)
    first = point.trials.get(0)
    if first is not None and first.state == "COMPLETE":
        return max(0.0, whole - done)
    return max(0.0, usual - done)


def time_left_text(seconds: float) -> str:
    """Return a duration as roughly as it is known: ``about 40 s``, ``about 12 min``."""
    if seconds < 8:
        return "a few seconds"
    if seconds < 90:
        return f"about {5 * round(seconds / 5)} s"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"


def elapsed_text(seconds: float) -> str:
    """Return a duration as a clock shows it: ``1:23``, ``2:01:23``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
