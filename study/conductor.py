"""The conductor: decides what runs next, who stops, and what the sampler is told. It knows nothing of Ray.

It holds the study's history and asks for one thing at a time: whoever executes trials asks ``next`` when a worker is
free and passes on what workers say (``placed``, ``reported``, ``finished``, ``failed``). Every step is made durable
through ``record`` before anything follows from it. On a resume ``replay`` takes the journal's events in the same
order through the same code, so that what follows is what would have followed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from study.errors import SpecError, StudyHalted
from study.outcomes import Verdicts, point_value
from study.records import ENDED, Event, History, Point, Trial
from study.roster import Roster, search_trials
from study.settlement import Settlement
from study.teller import Teller

if TYPE_CHECKING:
    from study.spec import StudySpec
    from study.training.recipe import Recipe

CONFIRM_FROM = 1000
"""Replicate numbers, and so seeds, of confirmation trials begin here: they are fresh however many the search had."""

DEATHS = 4
"""So often may a trial's process die after one and the same epoch before that counts as the trial's own doing."""


@dataclass(frozen=True)
class Assignment:
    """One attempt at one trial, as plain data for a worker."""

    trial: int
    attempt: int
    point: int
    replicate: int
    recipe: dict[str, Any]
    epochs_reported: int
    seconds_used: float


class Wait:
    """Nothing can start now: what comes next depends on trials that are running."""


class Done:
    """Nothing is left to start, now or later."""


Next = Assignment | Wait | Done


class Conductor:
    """Drives one study from its spec and history.

    ``record`` appends events durably; ``nominal_cost`` gives a recipe's cost per epoch on the virtual clock;
    ``workers`` is the concurrency that the study was created with.
    """

    def __init__(
        self,
        spec: StudySpec,
        record: Callable[..., None],
        *,
        workers: int,
        nominal_cost: Callable[[Recipe], float],
        reproducible: bool,
        keep_going: bool = False,
    ) -> None:
        self.spec = spec
        self.stopping = ""
        """Why no further trial starts and running ones stop: empty while the study goes on."""
        self.roster = Roster(spec, reproducible=reproducible)
        self._record_durably = record
        self._nominal_cost = nominal_cost
        self._teller = Teller(self.roster, workers)
        self._settlement = Settlement(self.roster, self._prune, self._end)
        self._verdicts = Verdicts(spec.stop, gpus=spec.resources.gpus, keep_going=keep_going)
        self._replaying = False
        self._undecided: dict[int, int] = {}
        self._added = 0

    @property
    def history(self) -> History:
        return self.roster.history

    # --- events: the one way in which anything changes ---

    def record(self, *events: Event) -> None:
        """Make events durable, then let them take effect."""
        stamped = [{**event, "time": round(time.time(), 3)} for event in events]
        self._record_durably(*stamped)
        for event in stamped:
            self._absorb(event)

    def replay(self, events: Iterable[Event]) -> None:
        """Take up a journal's events."""
        self._replaying = True
        for event in events:
            self._absorb(event)
        self._replaying = False

    def take_up(self) -> None:
        """Decide what was reported but not yet decided when the last driver went."""
        for trial in self.history.trials:
            if trial.state == "RUNNING":
                if self.roster.reproducible:
                    self._settlement.settle(trial)
                elif self._undecided.get(trial.number) == trial.epochs and not trial.over:
                    self._prune(trial, trial.epochs)
                self._end(trial)
        for point in list(self.roster.open.values()):
            self._conclude(point)

    def _absorb(self, event: Event) -> None:
        if event["event"] == "asked" and self._replaying:
            self._teller.catch_up(event["point"])
        self.history.apply(event)
        effect = getattr(self, f"_after_{event['event']}", None)
        if effect:
            effect(event)

    def _after_warmed(self, event: Event) -> None:
        for trial in event["trials"]:
            level = self.spec.level_of(trial["values"])
            if level is not None:
                self.roster.arms[level].proposer.remember(
                    trial["values"], trial["state"], trial["value"], {int(e): v for e, v in trial["reports"].items()}
                )

    def _after_opened(self, event: Event) -> None:
        self._verdicts.opened()

    def _after_asked(self, event: Event) -> None:
        self._added += event["origin"] == "user"
        place = self.roster.enter(event["point"], event["level"])
        if place is None:
            return
        arm, index = place
        if event["origin"] in ("first", "user"):
            if event["known"]:
                arm.proposer.add(index, event["values"])
        elif self._replaying:
            arm.proposer.replay(index, event["values"])

    def _after_reported(self, event: Event) -> None:
        # what the judges were shown before, they are shown again; what they answered then is in the journal
        if self._replaying and not self.roster.reproducible:
            trial = self.history.trials[event["trial"]]
            if self._settlement.loses(trial):
                self._undecided[trial.number] = trial.epochs

    def _after_ended(self, event: Event) -> None:
        trial = self.history.trials[event["trial"]]
        found = self.roster.jury(trial)
        if found:
            found[0].judge.close(found[1], trial.state)
        self._verdicts.ended(trial)

    def _after_told(self, event: Event) -> None:
        number = event["point"]
        self.roster.open.pop(number, None)
        if not self._teller.clocked:
            self._teller.tell(number)
        self._verdicts.told(self.history.points[number], self.spec.objectives)

    def _after_reopened(self, event: Event) -> None:
        self.roster.reopen(event["point"])
        self._teller.reopen(event["point"], event["why"])
        if event["trial"] is not None:
            self._settlement.reopen(self.history.trials[event["trial"]])

    # --- what runs next ---

    def next(self) -> Next:
        """What a free worker shall do."""
        if self.is_stopping():
            return Done()
        for point in list(self.roster.open.values()):
            for trial in search_trials(point):
                if is_idle(trial):
                    return self._start(trial)
            replicate = self.roster.next_replicate(point)
            if isinstance(replicate, int):
                return self._start_new(point, replicate, "search")
        if self._all_asked:
            return Wait() if self.roster.open else self._next_confirmation()
        asked = self._ask_next()
        return self._start_new(asked, 0, "search") if asked else Wait()

    def is_stopping(self) -> bool:
        """Whether the study stops now, be it that a budget has just been spent."""
        self.stopping = self.stopping or self._verdicts.stop_reason(self.history)
        return bool(self.stopping)

    @property
    def _all_asked(self) -> bool:
        asked = self._asked_by_file
        return asked >= self.spec.points or (asked >= len(self.spec.first) and self._teller.exhausted)

    @property
    def _asked_by_file(self) -> int:
        """The points that the study file stands for: all but those that a user added by hand."""
        return len(self.history.points) - self._added

    def nothing_left(self) -> bool:
        """Whether everything that the file asks for has its outcome."""
        confirmed = all(trial is not None and trial.state in ENDED for _, _, trial in self._confirmations())
        return self._all_asked and not self.roster.open and confirmed

    def halt(self) -> StudyHalted:
        """The error for a study that only fails."""
        return self._verdicts.halt()

    def _start_new(self, point: Point, replicate: int, kind: str) -> Next:
        return self._attempt(len(self.history.trials), point.number, replicate, kind, 1, 0, {})

    def _start(self, trial: Trial) -> Next:
        """A further attempt at a trial that was interrupted, failed and may be tried again, or was reopened."""
        attempt = len(trial.attempts) + 1
        substitutions = self._substitutions(trial)
        return self._attempt(
            trial.number, trial.point, trial.replicate, trial.kind, attempt, trial.epochs, substitutions
        )

    def _attempt(
        self,
        number: int,
        point: int,
        replicate: int,
        kind: str,
        attempt: int,
        epochs: int,
        substitutions: Mapping[str, Any],
    ) -> Next:
        """Record an attempt and hand it out; the replicate's number is its seed."""
        self.record(
            {
                "event": "started",
                "trial": number,
                "point": point,
                "replicate": replicate,
                "seed": replicate,
                "attempt": attempt,
                "kind": kind,
                "epochs": epochs,
                "substitutions": dict(substitutions),
            }
        )
        trial = self.history.trials[number]
        recipe = self.recipe_of(trial)
        if recipe is None:
            message = "the sampled values don't make a valid recipe together"
            self.failed(number, attempt, {"class": "invalid", "message": message, "details": {}})
            return self.next()
        seconds = trial.rows[-1].get("seconds", 0.0) if trial.rows else 0.0
        return Assignment(number, attempt, point, replicate, recipe.model_dump(mode="json"), epochs, seconds)

    def recipe_of(self, trial: Trial) -> Recipe | None:
        """The trial's recipe, or None where its values can't be combined."""
        try:
            return self.spec.recipe(self.history.points[trial.point].values, trial.seed, trial.substitutions)
        except SpecError:
            return None

    def _substitutions(self, trial: Trial) -> dict[str, Any]:
        """After running out of memory: twice the accumulation, which is the same batch in half the memory."""
        failure = trial.attempt.failure
        doubled = self._doubled_accumulation(trial)
        if failure and failure["class"] == "out_of_memory" and doubled:
            return {**trial.substitutions, "accumulation": doubled}
        return trial.substitutions

    def _doubled_accumulation(self, trial: Trial) -> int | None:
        """Twice the trial's accumulation; None where that doesn't divide its batch."""
        recipe = self.recipe_of(trial)
        if recipe is None or recipe.data.batch_size % (2 * recipe.accumulation):
            return None
        return 2 * recipe.accumulation

    def _ask_next(self) -> Point | None:
        """The next point, recorded; None while what it may depend on isn't settled."""
        number, entry = len(self.history.points), self._asked_by_file
        if entry < len(self.spec.first):
            self._ask(self.spec.first_values(entry), "first", entry=entry)
        else:
            proposal = self._teller.propose()
            if proposal is None:
                return None
            values, arm = proposal
            self._ask(values, "grid" if self.spec.sampler.name == "grid" else "sampler", level=arm.number)
        return self.history.points[number]

    def add_point(self, values: Mapping[str, Any]) -> int:
        """Put a point of the user's own next; its number."""
        self._ask(values, "user")
        return len(self.history.points) - 1

    def _ask(
        self, values: Mapping[str, Any], origin: str, *, entry: int | None = None, level: int | None = None
    ) -> None:
        """Record a point; ``level`` is found from its values where the proposal didn't come from one."""
        known = level is not None or self.spec.params_of(values) is not None
        nominal = self._nominal_cost(self.spec.recipe(values, 0)) if self._teller.clocked else None
        self.record(
            {
                "event": "asked",
                "point": len(self.history.points),
                "values": dict(values),
                "origin": origin,
                "entry": entry,
                "level": self.spec.level_of(values) if level is None else level,
                "nominal": nominal,
                "known": known,
            }
        )

    # --- confirmation ---

    def _next_confirmation(self) -> Next:
        running = False
        for point, replicate, trial in self._confirmations():
            if trial is None:
                return self._start_new(point, replicate, "confirm")
            if is_idle(trial):
                return self._start(trial)
            running |= trial.state not in ENDED
        return Wait() if running else Done()

    def _confirmations(self) -> list[tuple[Point, int, Trial | None]]:
        """Every point and fresh seed that the confirmation asks for, and its trial where it has started."""
        if not self.spec.confirm:
            return []
        seeds = range(CONFIRM_FROM, CONFIRM_FROM + self.spec.confirm.replicates)
        return [(point, seed, point.trials.get(seed)) for point in self._to_confirm() for seed in seeds]

    def _to_confirm(self) -> list[Point]:
        """The best points, of each level in a method study, and the baseline."""
        assert self.spec.confirm is not None
        sign = -1 if self.spec.objectives[0].direction == "maximize" else 1
        chosen: dict[int, Point] = {}
        for arm in self.roster.arms:
            points = [self.history.points[number] for number in arm.points]
            ranked = [point for point in points if point.state == "COMPLETE" and isinstance(point.value, float)]
            ranked.sort(key=lambda point: (sign * point.value, point.number))
            chosen.update({point.number: point for point in ranked[: self.spec.confirm.top]})
        if self.spec.confirm.against is not None:
            baseline = self.spec.confirm.against
            chosen.update({point.number: point for point in self.history.points if point.entry == baseline})
        return list(chosen.values())

    # --- what workers say ---

    def _current(self, trial: int, attempt: int) -> Trial | None:
        """The trial, if this attempt is the one that holds it: an attempt that outlived its node isn't heard."""
        found = self.history.trials[trial] if trial < len(self.history.trials) else None
        return found if found and found.in_flight and found.attempt.number == attempt else None

    def holds(self, trial: int, attempt: int) -> bool:
        """Whether this attempt still is the trial's, and its training wanted."""
        return self._current(trial, attempt) is not None

    def placed(self, trial: int, attempt: int, place: Mapping[str, Any]) -> None:
        if self._current(trial, attempt):
            self.record({"event": "placed", "trial": trial, "attempt": attempt, **place})

    def reported(self, number: int, attempt: int, row: Mapping[str, Any]) -> bool:
        """Take an epoch's row; whether the trial goes on."""
        trial = self._current(number, attempt)
        if trial is None:
            return False
        epoch = row["epoch"]
        if epoch <= trial.epochs:
            return True
        problem = fault_in(row, trial.epochs + 1, [objective.metric for objective in self.spec.objectives])
        if problem:
            self.failed(number, attempt, problem)
            return False
        metrics = {name: storable(value) for name, value in row.items() if name not in ("epoch", "last")}
        event = {"event": "reported", "trial": number, "attempt": attempt, "epoch": epoch}
        self.record({**event, "last": bool(row.get("last")), "metrics": metrics})
        self._settlement.judge(trial)
        return trial.state == "RUNNING"

    def finished(self, number: int, attempt: int, stop_reason: str, summary: Mapping[str, Any]) -> None:
        """The training came to its own end."""
        trial = self._current(number, attempt)
        if trial is None:
            return
        kept = {name: storable(value) for name, value in summary.items()}
        event = {"event": "finished", "trial": number, "attempt": attempt, "stop_reason": stop_reason, "summary": kept}
        self.record(event)
        self._settlement.judge(trial)
        self._end(trial)

    def failed(self, number: int, attempt: int, failure: Mapping[str, Any]) -> None:
        """The attempt failed; it is tried again as often as the study file says for its class."""
        trial = self._current(number, attempt)
        if trial is None:
            return
        if failure["class"] == "storage":
            self.stopping = "fault"
        if dies_in_place(trial, failure):
            # a process that was killed from outside looks the same, but doesn't die at one place again and again
            message = f"its process has died {DEATHS} times after epoch {trial.epochs}: {failure['message']}"
            failure = {**failure, "class": "error", "message": message}
        retry = self._may_retry(trial, failure["class"])
        event = {"event": "failed", "trial": number, "attempt": attempt, "failure": dict(failure), "retry": retry}
        self.record(event)
        if not retry:
            self._settlement.judge(trial)
            self._end(trial)

    def _may_retry(self, trial: Trial, failure_class: str) -> bool:
        if failure_class == "storage":
            return True  # says nothing of the trial
        retries = self.spec.trial.retries
        allowed = {"node": retries.node, "error": retries.error, "out_of_memory": retries.out_of_memory}
        since = trial.attempts[trial.reopened_at :]
        used = sum(1 for attempt in since if attempt.failure and attempt.failure["class"] == failure_class)
        if failure_class == "out_of_memory" and self._doubled_accumulation(trial) is None:
            return False
        return used < allowed.get(failure_class, 0)

    def stop_trial(self, number: int) -> bool:
        """End one trial at the user's wish, where it stands; whether there was one to end."""
        trial = self.history.trials[number] if 0 <= number < len(self.history.trials) else None
        if trial is None or trial.state in ENDED:
            return False
        self._stop(trial, trial.epochs, "user")
        self._settlement.judge(trial)
        return True

    # --- outcomes ---

    def _prune(self, trial: Trial, epoch: int) -> None:
        self._stop(trial, epoch, "pruner")

    def _stop(self, trial: Trial, epoch: int, by: str) -> None:
        self.record(
            {"event": "stopped", "trial": trial.number, "epoch": epoch, "by": by},
            {"event": "ended", "trial": trial.number, "state": "PRUNED", "epochs": epoch},
        )
        self._conclude(self.history.points[trial.point])

    def _end(self, trial: Trial) -> None:
        """End a trial whose training is over and whose decisions are all taken."""
        if not trial.over or trial.state in ENDED or not self._settlement.is_settled(trial):
            return
        state = "COMPLETE" if trial.over == "finished" else "FAIL"
        self.record({"event": "ended", "trial": trial.number, "state": state, "epochs": trial.epochs})
        self._conclude(self.history.points[trial.point])

    def _conclude(self, point: Point) -> None:
        """Tell the point's outcome once all its trials have theirs and no further one starts."""
        trials = search_trials(point)
        if point.state in ENDED or not trials or any(trial.state not in ENDED for trial in trials):
            return
        if self.roster.next_replicate(point) is not None:
            return
        if point.trials[0].state == "PRUNED":
            state, value = "PRUNED", None
        else:
            value = point_value(point, self.spec.objectives, None)
            state = "FAIL" if value is None else "COMPLETE"
        self.record({"event": "told", "point": point.number, "state": state, "value": value})
        if self.spec.racing:
            for other in list(self.roster.open.values()):
                self._conclude(other)


def dies_in_place(trial: Trial, failure: Mapping[str, Any]) -> bool:
    """Whether DEATHS attempts in a row have lost their process, not their node, without finishing an epoch."""
    last = trial.attempts[trial.reopened_at :][-DEATHS:]
    failures = [*(attempt.failure or {} for attempt in last[:-1]), failure]
    died = all(each.get("class") == "node" and each["details"].get("node_alive") for each in failures)
    return died and len(last) == DEATHS and last[0].epochs_before == trial.epochs


def is_idle(trial: Trial) -> bool:
    """Whether a trial needs an attempt: it has no outcome, and nobody trains it."""
    return trial.state in ("RUNNING", "WAITING") and not trial.over and not trial.in_flight


def storable(value: Any) -> Any:
    """A figure as JSON has it: what is not finite is not a result, and is kept as null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def fault_in(row: Mapping[str, Any], expected: int, metrics: Iterable[str]) -> dict[str, Any] | None:
    """What is wrong with an epoch's row: a gap, or an objective that is missing, no number or not finite."""
    if row["epoch"] != expected:
        message = f"epoch {row['epoch']} was reported where epoch {expected} was due"
        return {"class": "error", "message": message, "details": {}}
    for metric in metrics:
        value = row.get("seconds" if metric == "total_seconds" else metric)
        if isinstance(value, bool) or not isinstance(value, int | float):
            message = f"{metric} must be a number in every epoch's row; found {value!r:.60}"
            return {"class": "error", "message": message, "details": {"epoch": row["epoch"]}}
        if not math.isfinite(value):
            message = f"{metric} is {value} at epoch {row['epoch']}"
            return {"class": "diverged", "message": message, "details": {"epoch": row["epoch"]}}
    return None
