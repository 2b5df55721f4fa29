"""Which checkpoints stay: all of trials that may go on, and of ended ones what the study file says."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from study.files import files_below, matching, remove_tree
from study.paths import StudyPaths
from study.places import Place
from study.ranking import best_point
from study.records import ENDED, History, Point, Trial

if TYPE_CHECKING:
    from study.spec import StudySpec


class Retention:
    """Removes the checkpoints that nobody needs any more; called again, it removes nothing that it has kept."""

    def __init__(self, spec: StudySpec, paths: StudyPaths) -> None:
        self._keep = spec.keep_checkpoints
        self._spec = spec
        self._paths = paths
        self._seen = 0
        self._left: set[int] = set()
        """Ended trials that may still have checkpoints."""
        self._trimmed: set[tuple[int, int]] = set()
        self._best: Point | None = None

    def sweep(self, history: History) -> None:
        """Remove what ended trials leave behind, as far as the policy lets it go.

        Looks at what has ended since the last time, and at what was kept then.
        """
        self._left.update(history.endings[self._seen :])
        self._seen = len(history.endings)
        self._find_best(history)
        for trial in (history.trials[number] for number in sorted(self._left)):
            if trial.state not in ENDED:
                self._left.remove(trial.number)  # it will end again
                continue
            end = (trial.number, len(trial.attempts))
            with suppress(OSError):  # what can't be removed now can be later
                if not self._is_kept(trial, history.points[trial.point]):
                    remove_tree(self._folder(trial))
                    self._left.remove(trial.number)
                elif self._keep in ("best", "last") and end not in self._trimmed:
                    keep_newest(self._folder(trial))
                    self._trimmed.add(end)
                if self._keep in ("last", "all"):
                    self._left.discard(trial.number)  # stays, whatever comes

    def _find_best(self, history: History) -> None:
        """The best point is the last best one or one whose trials are left, unless that one was reopened."""
        known = self._best
        if known is None or known.state != "COMPLETE":
            self._best = best_point(history.points, self._spec)
            return
        numbers = {known.number, *(history.trials[number].point for number in self._left)}
        self._best = best_point([history.points[number] for number in sorted(numbers)], self._spec)

    def sweep_again(self, history: History) -> None:
        """The same with another look at all that is there: what ran on after its end may have left a checkpoint."""
        there = {parts[0] for parts in files_below(self._paths.trials) if "checkpoints" in parts}
        self._trimmed.clear()
        self._left = {
            trial.number for trial in history.trials if self._paths.trial(trial.point, trial.replicate).name in there
        }
        self.sweep(history)

    def _is_kept(self, trial: Trial, point: Point) -> bool:
        if self._keep == "none":
            return False
        if self._keep == "best":
            # a point that is not told yet may become the best one
            return trial.state == "COMPLETE" and (point is self._best or point.state not in ENDED)
        return True

    def _folder(self, trial: Trial) -> Place:
        return self._paths.checkpoints(trial.point, trial.replicate)


def keep_newest(folder: Place) -> None:
    """Of an ended trial's two checkpoints the older one is no longer needed."""
    for path in matching(folder, "*.ckpt")[:-1]:
        path.unlink(missing_ok=True)
