"""Removes the checkpoints that a study needs no more.

Those of trials that may go on stay, and of ended trials what the study file's ``keep_checkpoints``
says. ``best`` keeps the weights of the best point and of the points that are confirmed, or will be:
what the study answers in the end is among them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from study.files.layout import StudyPaths
from study.files.storage import StoragePath
from study.files.trial_files import CHECKPOINT_PATTERN, CHECKPOINTS, KEPT, CheckpointFile
from study.journal.history import History
from study.journal.ranking import (
    Standing,
    best_point,
    points_to_confirm,
    standing,
    standing_in_search,
)
from study.journal.trials import ENDED_STATES, Point, Trial

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

_Standings = tuple[Standing | None, Standing | None]
"""Where a point stands with its fresh seeds, and by the search alone."""


class CheckpointRetention:
    """Follows a study's history, and removes what its ended trials need not keep."""

    def __init__(self, spec: StudySpec, paths: StudyPaths) -> None:
        self._policy = spec.keep_checkpoints
        self._spec = spec
        self._paths = paths
        self._trial_endings_seen = 0
        self._point_endings_seen = 0
        self._unfinished: dict[int, set[int]] = {}
        """The ended trials that may still have checkpoints to remove, by their points."""
        self._trimmed: set[tuple[int, int]] = set()
        """Trials, with their number of attempts, that have been left with one checkpoint."""
        self._refused: set[int] = set()
        """Points of which something could not be removed."""
        self._kept: dict[int, _Standings] = {}
        """The points whose weights stay, and where they stood when they were chosen."""

    def adopt(self, spec: StudySpec) -> None:
        """Go by another version of the spec."""
        self._spec = spec

    def remove_unneeded(self, history: History) -> None:
        """Remove what the trials that have ended since the last time need not keep.

        Points are looked at of which something has ended, and those whose weights stay no more.
        """
        news = self._points_with_news(history)
        changed = self._choose(history, self._kept.keys() | news)
        for number in sorted(news | changed | self._refused):
            self._clean_up(history, history.points[number])

    def remove_everything_unneeded(self, history: History) -> None:
        """Look at every trial's folder again: one that ran on after its end may have left more."""
        self._points_with_news(history)
        self._trimmed.clear()
        self._unfinished.clear()
        with_files = {
            parts[0]
            for parts in self._paths.trials.files_below()
            if len(parts) > 1 and parts[1] in (CHECKPOINTS, KEPT)
        }
        for trial in history.trials:
            if self._paths.trial(trial.point, trial.replicate).name in with_files:
                self._unfinished.setdefault(trial.point, set()).add(trial.number)
        self._choose(history, range(len(history.points)))
        for number in sorted(self._unfinished):
            self._clean_up(history, history.points[number])

    def _points_with_news(self, history: History) -> set[int]:
        """Return the points that have ended, or of which a trial has, since the last time."""
        trials = history.trial_endings[self._trial_endings_seen :]
        points = history.point_endings[self._point_endings_seen :]
        self._trial_endings_seen = len(history.trial_endings)
        self._point_endings_seen = len(history.point_endings)
        ended = [history.trials[number] for number in trials]
        for trial in ended:
            self._unfinished.setdefault(trial.point, set()).add(trial.number)
        return {trial.point for trial in ended} | set(points)

    def _choose(self, history: History, among: Iterable[int]) -> set[int]:
        """Choose anew the points whose weights stay, and return those of which that has changed.

        They are looked for among these points; among all where one that was chosen stands worse
        now, as one that had to make way for it may come back.
        """
        if self._policy != "best":
            return set()
        if self._has_one_fallen(history):
            among = range(len(history.points))
        candidates = [history.points[number] for number in sorted(among)]
        before = self._kept.keys()
        self._kept = {
            point.number: self._standings(point)
            for point in points_to_keep(candidates, self._spec, history)
        }
        return set(before ^ self._kept.keys())

    def _has_one_fallen(self, history: History) -> bool:
        """Whether a point whose weights stay stands worse than when it was chosen."""
        for number, before in self._kept.items():
            now = self._standings(history.points[number])
            if any(_is_worse(*pair) for pair in zip(now, before, strict=True)):
                return True
        return False

    def _standings(self, point: Point) -> _Standings:
        return standing(point, self._spec, confirmed=True), standing_in_search(point, self._spec)

    def _clean_up(self, history: History, point: Point) -> None:
        """Remove what may go of one point's ended trials."""
        self._refused.discard(point.number)
        unfinished = self._unfinished.get(point.number, set())
        for number in sorted(unfinished):
            trial = history.trials[number]
            try:
                # one that was reopened will end again
                if trial.state not in ENDED_STATES or self._is_finished(trial, point):
                    unfinished.discard(number)
            except OSError:  # what can't be removed now can be later
                self._refused.add(point.number)
        if not unfinished:
            self._unfinished.pop(point.number, None)

    def _is_finished(self, trial: Trial, point: Point) -> bool:
        """Remove what an ended trial need not keep; return whether that is final."""
        if not self._stays(trial, point):
            self._paths.trial(trial.point, trial.replicate).remove_trees(CHECKPOINTS, KEPT)
            return True
        ending = (trial.number, len(trial.attempts))
        if self._policy in ("best", "last") and ending not in self._trimmed:
            _remove_all_but_newest(self._paths.checkpoints(trial.point, trial.replicate))
            self._trimmed.add(ending)
        return self._policy in ("last", "all")

    def _stays(self, trial: Trial, point: Point) -> bool:
        """Whether an ended trial keeps a checkpoint, and what its training function kept."""
        if self._policy == "none":
            return False
        if self._policy in ("last", "all"):
            return True
        may_become_best = point.state not in ENDED_STATES
        return trial.state == "COMPLETE" and (point.number in self._kept or may_become_best)


def points_to_keep(points: list[Point], spec: StudySpec, history: History) -> list[Point]:
    """Choose among points those whose weights stay.

    They are the best one, those with fresh seeds, and those that would be confirmed now.
    """
    points = [point for point in points if not point.is_dropped]
    chosen = [point for point in points if _has_fresh_seeds(point)]
    chosen += points_to_confirm(points, spec, whole_seeds=history.whole_seeds)
    best = best_point(points, spec, whole_seeds=history.whole_seeds)
    if best:
        chosen.append(best)
    return list({point.number: point for point in chosen}.values())


def _has_fresh_seeds(point: Point) -> bool:
    return any(trial.kind == "confirm" for trial in point.trials.values())


def _is_worse(now: Standing | None, before: Standing | None) -> bool:
    return before is not None and (now is None or now > before)


def _remove_all_but_newest(folder: StoragePath) -> None:
    found = [CheckpointFile.parse(path.name) for path in folder.glob(CHECKPOINT_PATTERN)]
    # by their numbers: as a text, epoch 1000000 comes before epoch 999999
    for file in sorted(file for file in found if file)[:-1]:
        (folder / file.name).unlink(missing_ok=True)
