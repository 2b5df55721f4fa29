"""Which checkpoints stay: all of trials that may go on, and of ended ones what the study file says.

``best`` keeps the weights of the best point and of those that are confirmed, or will be: what the
study answers in the end is among them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from study.files.layout import StudyPaths
from study.files.storage import StoragePath
from study.journal.history import History
from study.journal.ranking import Standing, best_point, standing, standing_in_search, to_confirm
from study.journal.trials import ENDED_STATES, Point, Trial

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

Standings = tuple[Standing | None, Standing | None]
"""Where a point stands with its fresh seeds, and by the search alone."""


class Retention:
    """Removes the checkpoints that nobody needs any more; called again, it removes nothing that it
    has kept.
    """

    def __init__(self, spec: StudySpec, paths: StudyPaths) -> None:
        self._keep = spec.keep_checkpoints
        self._spec = spec
        self._paths = paths
        self._seen = (0, 0)
        """How many endings and tellings have been looked at."""
        self._left: dict[int, set[int]] = {}
        """By their points, the ended trials that may still have checkpoints."""
        self._trimmed: set[tuple[int, int]] = set()
        self._again: set[int] = set()
        """Points of which something could not be removed."""
        self._worthy: dict[int, Standings] = {}
        """The points whose weights stay, and where they stood when they were chosen."""

    def sweep(self, history: History) -> None:
        """Remove what ended trials leave behind, as far as the policy lets it go.

        Looks at the points of which something has ended since the last time, and at those that were
        chosen then.
        """
        news = self._news(history)
        turned = self._choose(history, self._worthy.keys() | news)
        for number in sorted(news | turned | self._again):
            self._tidy(history, history.points[number])

    def sweep_again(self, history: History) -> None:
        """The same with another look at all that is there: what ran on after its end may have left
        a checkpoint.
        """
        there = {parts[0] for parts in self._paths.trials.files_below() if "checkpoints" in parts}
        self._news(history)
        self._trimmed.clear()
        self._left.clear()
        for trial in history.trials:
            if self._paths.trial(trial.point, trial.replicate).name in there:
                self._left.setdefault(trial.point, set()).add(trial.number)
        self._choose(history, range(len(history.points)))
        for number in sorted(self._left):
            self._tidy(history, history.points[number])

    def _news(self, history: History) -> set[int]:
        """The points of which a trial has ended, or which have been told, since the last time."""
        endings, tellings = (
            history.trial_endings[self._seen[0] :],
            history.point_endings[self._seen[1] :],
        )
        self._seen = (len(history.trial_endings), len(history.point_endings))
        ended = [history.trials[number] for number in endings]
        for trial in ended:
            self._left.setdefault(trial.point, set()).add(trial.number)
        return {trial.point for trial in ended} | set(tellings)

    def _choose(self, history: History, among: Iterable[int]) -> set[int]:
        """Choose the points whose weights stay, among these where none that was chosen has lost its
        place.

        Gives the points that were chosen and now are not, or the other way round.
        """
        if self._keep != "best":
            return set()
        before = self._worthy
        if any(
            _has_fallen(self._standings(history.points[number]), old)
            for number, old in before.items()
        ):
            among = range(len(history.points))
        points = worth_keeping(
            [history.points[number] for number in sorted(among)], self._spec, history
        )
        self._worthy = {point.number: self._standings(point) for point in points}
        return set(before.keys() ^ self._worthy.keys())

    def _standings(self, point: Point) -> Standings:
        return standing(point, self._spec, confirmed=True), standing_in_search(point, self._spec)

    def _tidy(self, history: History, point: Point) -> None:
        """Remove what may go of one point's ended trials."""
        self._again.discard(point.number)
        left = self._left.get(point.number, set())
        for trial in (history.trials[number] for number in sorted(left)):
            try:
                if trial.state not in ENDED_STATES or self._is_done_with(trial, point):
                    left.discard(trial.number)  # or it will end again
            except OSError:  # what can't be removed now can be later
                self._again.add(point.number)
        if not left:
            self._left.pop(point.number, None)

    def _is_done_with(self, trial: Trial, point: Point) -> bool:
        """Remove what an ended trial need not keep; whether it will never have to be looked at
        again.
        """
        if not self._is_kept(trial, point):
            self._folder(trial).remove_tree()
            return True
        end = (trial.number, len(trial.attempts))
        if self._keep in ("best", "last") and end not in self._trimmed:
            _keep_newest(self._folder(trial))
            self._trimmed.add(end)
        return self._keep in ("last", "all")  # stays, whatever comes

    def _is_kept(self, trial: Trial, point: Point) -> bool:
        if self._keep == "none":
            return False
        if self._keep == "best":
            # a point that is not told yet may become the best one
            return trial.state == "COMPLETE" and (
                point.number in self._worthy or point.state not in ENDED_STATES
            )
        return True

    def _folder(self, trial: Trial) -> StoragePath:
        return self._paths.checkpoints(trial.point, trial.replicate)


def worth_keeping(points: list[Point], spec: StudySpec, history: History) -> list[Point]:
    """Of these points the best one, those that have fresh seeds, and those that would be confirmed
    as it stands.
    """
    best = best_point(points, spec, whole_seeds=history.whole_seeds)
    confirmed = [
        point for point in points if any(trial.kind == "confirm" for trial in point.trials.values())
    ]
    chosen = [
        *confirmed,
        *to_confirm(points, spec, whole_seeds=history.whole_seeds),
        *([best] if best else []),
    ]
    return list({point.number: point for point in chosen}.values())


def _has_fallen(now: Standings, before: Standings) -> bool:
    """Whether a point stands worse than before, so that one which had to make way for it may come
    back.
    """
    return any(
        old is not None and (new is None or new > old) for new, old in zip(now, before, strict=True)
    )


def _keep_newest(folder: StoragePath) -> None:
    """Of an ended trial's two checkpoints the older one is no longer needed."""
    for path in folder.sorted_glob("*.ckpt")[:-1]:
        path.unlink(missing_ok=True)
