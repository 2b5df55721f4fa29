"""Which checkpoints stay: all of trials that may go on, and of ended ones what the study file says."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from study.files import files_below, matching, remove_tree
from study.outcomes import best_point
from study.paths import StudyPaths
from study.places import Place
from study.records import ENDED, History, Point, Trial

if TYPE_CHECKING:
    from study.spec import StudySpec


class Retention:
    """Removes the checkpoints that nobody needs any more; called again, it removes nothing that it has kept."""

    def __init__(self, spec: StudySpec, paths: StudyPaths) -> None:
        self._keep = spec.keep_checkpoints
        self._objective = spec.objectives[0]
        self._paths = paths
        self._swept: set[tuple[int, int]] = set()
        self._trimmed: set[tuple[int, int]] = set()

    def sweep(self, history: History) -> None:
        """Remove what ended trials leave behind, as far as the policy lets it go."""
        best = best_point(history, self._objective)
        for trial in history.trials:
            end = (trial.number, len(trial.attempts))
            if trial.state not in ENDED or end in self._swept:
                continue
            point = history.points[trial.point]
            with suppress(OSError):  # what can't be removed now can be later
                if not self._is_kept(trial, point, best):
                    remove_tree(self._folder(trial))
                    self._swept.add(end)
                elif self._keep in ("best", "last") and end not in self._trimmed:
                    keep_newest(self._folder(trial))
                    self._trimmed.add(end)

    def sweep_again(self, history: History) -> None:
        """The same with another look at all that is there: what ran on after its end may have left a checkpoint."""
        there = {parts[0] for parts in files_below(self._paths.trials) if "checkpoints" in parts}
        ends = {
            (trial.number, len(trial.attempts)): self._paths.trial(trial.point, trial.replicate).name
            for trial in history.trials
        }
        self._trimmed.clear()
        self._swept = {end for end, name in ends.items() if name not in there}
        self.sweep(history)

    def _is_kept(self, trial: Trial, point: Point, best: Point | None) -> bool:
        if self._keep == "none":
            return False
        if self._keep == "best":
            # a point that is not told yet may become the best one
            return trial.state == "COMPLETE" and (point is best or point.state not in ENDED)
        return True

    def _folder(self, trial: Trial) -> Place:
        return self._paths.checkpoints(trial.point, trial.replicate)


def keep_newest(folder: Place) -> None:
    """Of an ended trial's two checkpoints the older one is no longer needed."""
    for path in matching(folder, "*.ckpt")[:-1]:
        path.unlink(missing_ok=True)
