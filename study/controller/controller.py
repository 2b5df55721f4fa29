"""The controller: decides what runs next, who stops, and what the sampler is told.

It knows nothing of Ray. Whoever executes trials asks for ``next`` when a worker is free, and passes
on what workers say: ``placed``, ``reported``, ``finished``, ``failed``. Each job behind it has a
file of its own:

study_state      what events change, and the one way to record them
next_work        what a free worker does next
worker_messages  what workers say
trial_outcomes   how trials and points come to their outcomes
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from study.controller.next_work import NextWork, Work
from study.controller.population import Population
from study.controller.study_state import StudyState
from study.controller.trial_outcomes import TrialOutcomes
from study.controller.worker_messages import WorkerMessages
from study.errors import StudyHalted, UserError
from study.journal.event_codec import Event, Record
from study.journal.events import Placement, SetAsideReason
from study.journal.failure import Failure
from study.journal.history import History

if TYPE_CHECKING:
    from study.files.layout import StudyPaths
    from study.spec.spec import StudySpec


class Controller:
    """Drives one study from its spec and history.

    ``append`` makes records of the journal durable. ``nominal_cost`` gives what an epoch of a
    training's subject costs on the virtual clock. ``workers`` is the concurrency that the study was
    created with. ``keep_going`` has the study go on though it only fails.
    """

    def __init__(
        self,
        spec: StudySpec,
        append: Callable[..., None],
        *,
        workers: int,
        nominal_cost: Callable[[Any], float],
        reproducible: bool,
        keep_going: bool = False,
    ) -> None:
        self.spec = spec
        self._state = StudyState(
            spec,
            append,
            workers=workers,
            nominal_cost=nominal_cost,
            reproducible=reproducible,
            keep_going=keep_going,
        )
        self._outcomes = TrialOutcomes(self._state)
        self._messages = WorkerMessages(self._state, self._outcomes)
        self._work = NextWork(self._state, self._outcomes, self._messages)

    @property
    def history(self) -> History:
        return self._state.history

    @property
    def population(self) -> Population:
        return self._state.population

    # --- events ---

    def record(self, *events: Event) -> None:
        """Make events durable, then let them take effect."""
        self._state.record(*events)

    def adopt(self, spec: StudySpec, events: Sequence[Event]) -> None:
        """Go on with another version of the spec, which holds by these events."""
        self.spec = spec
        self._state.adopt(spec)
        self.record(*events)

    def together(self) -> AbstractContextManager[None]:
        """Make what is recorded in a block durable at once, at its end.

        Nothing of it may leave the driver before.
        """
        return self._state.together()

    def replay(self, records: Iterable[Record]) -> None:
        """Take the events of a journal up, as they were recorded."""
        self._state.replay(records)

    def take_up(self) -> None:
        """Decide what the last driver had left undecided."""
        self._outcomes.take_up()
        self._work.end_waiting()

    # --- what runs next ---

    def next(self) -> Work:
        """What a free worker shall do."""
        return self._work.next()

    def count_startable(self) -> int:
        """How many attempts could start now if there were workers for them, at most."""
        return self._work.count_startable()

    def think_ahead(self) -> None:
        """Use a quiet moment for what the next point will need."""
        self._work.think_ahead()

    def add_point(self, values: Mapping[str, Any], request: str = "") -> int:
        """Put a point of the user's own next, and give its number; ``request`` asked for it."""
        return self._work.add_point(values, request)

    @property
    def is_all_asked(self) -> bool:
        """Whether all points have been asked that the study file stands for."""
        return self._work.is_all_asked

    def is_nothing_left(self) -> bool:
        """Whether everything that the study file asks for has its outcome."""
        return self._work.is_nothing_left()

    @property
    def goes_by_cost(self) -> bool:
        """Whether proposals to come will ask what the points before them cost."""
        return self._work.goes_by_cost

    # --- when the study stops ---

    @property
    def stopping(self) -> str:
        """Why no further trial starts and running ones stop; empty while the study goes on."""
        return self._state.stopping

    @stopping.setter
    def stopping(self, reason: str) -> None:
        self._state.stopping = reason

    def is_stopping(self) -> bool:
        """Whether the study stops now, for whichever reason, a budget just spent among them."""
        return self._state.is_stopping()

    @property
    def mistake(self) -> str:
        """What the user has to mend, where ``stopping`` is ``mistake``."""
        return self._state.mistake

    def halt(self, paths: StudyPaths) -> StudyHalted:
        """The error for a study that only fails; ``paths`` are its own."""
        return self._state.stop_conditions.halt(paths)

    def stop_trial(self, number: int) -> bool:
        """End one trial where it stands, as the user wishes; False where none of it was left."""
        trials = self.history.trials
        if not 0 <= number < len(trials) or trials[number].has_ended:
            return False
        trial = trials[number]
        self._outcomes.stop(trial, trial.epochs, "user")
        self._outcomes.decide(trial)
        return True

    def drop_point(self, number: int, request: str = "") -> None:
        """Take a point out of tables, rankings and what the sampler learns; end what runs of it.

        Raises UserError where there is none of this number, or it is out already.
        """
        points = self.history.points
        if not 0 <= number < len(points):
            raise UserError(f"there is no point {number}; the study has {len(points)}, from 0")
        if points[number].is_dropped:
            raise UserError(f"point {number} is dropped already")
        self._outcomes.drop(points[number], request)

    # --- what workers say ---

    def is_wanted(self, trial: int, attempt: int) -> bool:
        """Whether this attempt still is the trial's, and its training wanted."""
        return self._messages.current_trial(trial, attempt) is not None

    def placed(self, trial: int, attempt: int, placement: Placement) -> None:
        """A worker took the attempt up."""
        self._messages.placed(trial, attempt, placement)

    def reported(self, trial: int, attempt: int, row: Mapping[str, Any]) -> bool:
        """An epoch is finished; says whether the trial goes on."""
        return self._messages.reported(trial, attempt, row)

    def repeated(self, trial: int, attempt: int, row: Mapping[str, Any]) -> None:
        """An epoch that is known was trained once more."""
        self._messages.repeated(trial, attempt, row)

    def finished(
        self, trial: int, attempt: int, stop_reason: str, summary: Mapping[str, Any]
    ) -> None:
        """The training came to its own end."""
        self._messages.finished(trial, attempt, stop_reason, summary)

    def set_aside(self, trial: int, attempt: int, epoch: int, why: SetAsideReason) -> None:
        """The attempt has made way, with the state after ``epoch`` saved; the trial goes on later,
        from there.
        """
        self._messages.set_aside(trial, attempt, epoch, why)

    def broken_off(self, trial: int, attempt: int, why: SetAsideReason) -> None:
        """The attempt has made way within an epoch; the trial goes on from its newest state."""
        self._messages.broken_off(trial, attempt, why)

    def failed(self, trial: int, attempt: int, failure: Failure) -> None:
        """The attempt failed."""
        self._messages.failed(trial, attempt, failure)
