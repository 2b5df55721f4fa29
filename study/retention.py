"""Which checkpoints stay: all of trials that may go on, and of ended ones what the study file says."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from study.outcomes import best_point
from study.paths import StudyPaths
from study.records import ENDED, History, Point, Trial

if TYPE_CHECKING:
    from study.spec import StudySpec


class Retention:
    """Removes the checkpoints that nobody needs any more; called again, it removes nothing that it has kept."""

    def __init__(self, spec: StudySpec, paths: StudyPaths) -> None:
        self._keep = spec.keep_checkpoints
        self._objective = spec.objectives[0]
        self._paths = paths
        self._swept: set[int] = set()

    def sweep(self, history: History) -> None:
        """Remove what ended trials leave behind, as far as the policy lets it go."""
        best = best_point(history, self._objective)
        for trial in history.trials:
            if trial.state not in ENDED or (trial.number in self._swept and self._keep != "best"):
                continue
            point = history.points[trial.point]
            if not self._is_kept(trial, point, best):
                shutil.rmtree(self._folder(trial), ignore_errors=True)
                self._swept.add(trial.number)
            elif self._keep in ("best", "last"):
                keep_newest(self._folder(trial))

    def _is_kept(self, trial: Trial, point: Point, best: Point | None) -> bool:
        if self._keep == "none":
            return False
        if self._keep == "best":
            # a point that is not told yet may become the best one
            return trial.state == "COMPLETE" and (point is best or point.state not in ENDED)
        return True

    def _folder(self, trial: Trial) -> Path:
        return self._paths.checkpoints(trial.point, trial.replicate)


def keep_newest(folder: Path) -> None:
    """Of an ended trial's two checkpoints the older one is no longer needed."""
    for path in sorted(folder.glob("epoch-*.ckpt"))[:-1]:
        path.unlink(missing_ok=True)
