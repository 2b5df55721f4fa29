"""What is saved of the trials' trainings, and has to be there when they go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..seen import SeenTrial, promise


class SavedStates:
    """The checkpoints of a study's ``trials``, as those know of them who have written them."""

    def __init__(self, trials: Sequence[SeenTrial]) -> None:
        self.reopened: set[int] = set()
        """Points whose outcome was taken back."""
        self.damaged: set[int] = set()
        """Trials whose checkpoints somebody has damaged."""
        self.may_be_stale = False
        """Whether a listing may lack what is there."""
        self.newest_stored: Callable[[SeenTrial], tuple[int, int]] = lambda trial: (0, 0)
        """Reads the attempt and epoch of a trial's newest checkpoint past all faults."""
        self._trials = trials
        self._saved: dict[int, tuple[int, int]] = {}
        """The newest checkpoint of each trial that is durable, as attempt and epoch."""
        self._begun_anew: set[int] = set()
        """Trials that failed and run again, with a checkpoint or without."""

    def note_saved(self, trial: int, attempt: int, epoch: int) -> None:
        """A checkpoint is durable."""
        self._saved[trial] = max(self._saved.get(trial, (0, 0)), (attempt, epoch))
        for number, newest in self._saved.items():
            seen = self._trials[number]
            if seen.state or number in self.damaged or seen.point in self.reopened:
                continue
            promise(
                self.newest_stored(seen) >= newest,
                f"the newest checkpoint of trial {number}, of attempt and epoch {newest}, is gone",
            )

    def begin_anew(self, trial: int) -> None:
        """A trial runs again that has failed: its checkpoints need not be kept."""
        self._saved.pop(trial, None)
        self._begun_anew.add(trial)

    def newest_saved(self, trial: int) -> int:
        """The epoch of a trial's newest durable checkpoint."""
        return self._saved.get(trial, (0, 0))[1]

    def check_makes_way(self, trial: SeenTrial, epoch: int) -> None:
        """A trial makes way after an epoch: that is the last it has told of, and it is saved."""
        # also one whose writer was told of an error is there, and was gone on from
        is_saved = self.newest_stored(trial)[1] >= len(trial.rows)
        promise(
            epoch == len(trial.rows) and is_saved,
            f"trial {trial.number} makes way after epoch {epoch}, which isn't saved",
        )

    def check_restored(self, assignment: Mapping[str, Any], epochs: int, newest: int) -> None:
        """An attempt goes on from a checkpoint: not from one before epoch ``newest``."""
        number = assignment["trial"]
        seen = self._trials[number]
        if number in self.damaged or self.may_be_stale:
            return
        if seen.state or seen.attempt != assignment["attempt"]:  # it lives on beside what counts
            return
        promise(
            epochs >= newest,
            f"trial {number} goes on after epoch {epochs}, and epoch {newest} was saved",
        )
        promise(
            epochs >= assignment["epochs_reported"] or number in self._begun_anew,
            f"trial {number} goes on after epoch {epochs}, and {assignment['epochs_reported']} are"
            " reported",
        )
