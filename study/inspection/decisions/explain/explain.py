"""The explanations of a study's decisions, for the command, the report and the page."""

from __future__ import annotations

from collections.abc import Collection

from study.errors import UserError
from study.files.layout import StudyPaths
from study.inspection.decisions.explain.ends import EndExplanation, explain_end
from study.inspection.decisions.explain.journal_walk import JournalWalk
from study.inspection.decisions.explain.proposals import ProposalExplanation, Proposals
from study.inspection.decisions.explain.stops import (
    StopExplanation,
    explain_stops,
    explain_wait,
)
from study.journal.history import History
from study.journal.journal import read_records
from study.journal.replay import history_of
from study.journal.spec_versions import recorded_spec
from study.journal.trials import Trial

Explanation = StopExplanation | EndExplanation | ProposalExplanation


class Explanations:
    """What a study's journal says of its decisions."""

    def __init__(self, paths: StudyPaths) -> None:
        self._paths = paths
        self._records = read_records(paths.journal)
        self.history: History = history_of(self._records, paths.journal)
        self.spec = recorded_spec(paths, self.history)
        self._proposals = Proposals(self.history, self.spec)

    def of_trial(self, number: int) -> StopExplanation | EndExplanation:
        """Explain why a trial was stopped by the pruner or waits, else how it ended.

        Raises UserError where the study has no such trial.
        """
        count = len(self.history.trials)
        if not 0 <= number < count:
            raise UserError(
                f"--trial must be a number below {count}, the trials of {self._paths.name}; found"
                f" {number}"
            )
        trial = self.history.trials[number]
        if _is_stopped(trial):
            stop = explain_stops(self._walk(), only=[number]).get(number)
            if stop is not None:
                return stop
        waiting = explain_wait(self._walk(), number) if trial.waits else None
        return waiting or explain_end(trial)

    def of_point(self, number: int) -> ProposalExplanation:
        """Explain how a point came to be proposed; UserError where the study has no such point."""
        count = len(self.history.points)
        if not 0 <= number < count:
            raise UserError(
                f"--point must be a number below {count}, the points of {self._paths.name}; found"
                f" {number}"
            )
        return self._proposals.explain(number)

    def proposals(self, most: int | None = None) -> list[ProposalExplanation]:
        """Explain how each point came to be proposed, or the first ``most``."""
        numbers = range(len(self.history.points))[:most]
        return [self._proposals.explain(number) for number in numbers]

    def stopped(self) -> list[int]:
        """The numbers of the trials that the pruner stopped."""
        return stopped_trials(self.history)

    def stops(self, only: Collection[int] | None = None) -> dict[int, StopExplanation]:
        """Explain, by trial, every stop by the pruner, or those of some trials."""
        return explain_stops(self._walk(), only)

    def _walk(self) -> JournalWalk:
        return JournalWalk(self._paths, self._records, self.history, self.spec)


def stopped_trials(history: History) -> list[int]:
    """Return the numbers of the trials that the pruner stopped."""
    return [trial.number for trial in history.trials if _is_stopped(trial)]


def _is_stopped(trial: Trial) -> bool:
    return trial.state == "PRUNED" and trial.stopped_by == "pruner"
