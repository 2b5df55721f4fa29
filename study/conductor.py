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
from study.outcomes import Verdicts, objective_values, point_value
from study.records import ENDED, Event, History, Point, Trial
from study.sampling.arm import Arm, make_arms
from study.sampling.clock import Extent, VirtualClock

if TYPE_CHECKING:
    from study.spec import StudySpec
    from study.training.recipe import Recipe

CONFIRM_FROM = 1000
"""Replicate numbers, and so seeds, of confirmation trials begin here: they are fresh however many the search had."""
HOPELESS = ("out_of_memory", "invalid")
"""Failures of a first replicate that further seeds would only repeat."""


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
        self.history = History()
        self.reproducible = reproducible
        self.stopping = ""
        """Why no further trial starts and running ones stop: empty while the study goes on."""
        self._record_durably = record
        self._nominal_cost = nominal_cost
        self._workers = workers
        self._arms = make_arms(spec, by_number=reproducible)
        self._place: dict[int, tuple[Arm, int]] = {}
        self._clock = VirtualClock(workers, self._extent)
        self._told: set[int] = set()
        self._open_points: dict[int, Point] = {}
        self._verdicts = Verdicts(spec.stop, keep_going=keep_going)
        self._replaying = False
        self._late: dict[int, int] = {}

    # --- events: the one way in which anything changes ---

    def record(self, *events: Event) -> None:
        """Make events durable, then let them take effect."""
        stamped = [{**event, "time": round(time.time(), 3)} for event in events]
        self._record_durably(*stamped)
        for event in stamped:
            self._absorb(event)

    def replay(self, events: Iterable[Event]) -> None:
        """Take up a journal's events; then decide what an interruption had left undecided."""
        self._replaying = True
        for event in events:
            self._absorb(event)
        self._replaying = False

    def take_up(self) -> None:
        """Decide what was reported but not yet decided when the last driver went."""
        for trial in self.history.trials:
            if trial.state == "RUNNING" and trial.kind == "search":
                self._judge(trial, late=self._late.get(trial.number) == trial.epochs)
                self._end(trial)
        for point in list(self._open_points.values()):
            self._conclude(point)

    def _absorb(self, event: Event) -> None:
        if event["event"] == "asked":
            self._before_asked(event)
        self.history.apply(event)
        effect = getattr(self, f"_after_{event['event']}", None)
        if effect:
            effect(event)

    def _before_asked(self, event: Event) -> None:
        if self._replaying and self.reproducible:
            self._tell_up_to(self._horizon(event["point"]))

    def _after_asked(self, event: Event) -> None:
        number = event["point"]
        self._open_points[number] = self.history.points[number]
        if event["level"] is None:
            return
        arm = self._arms[event["level"]]
        index = len(arm.points)
        arm.points.append(number)
        self._place[number] = (arm, index)
        if event["origin"] in ("first", "user", "warm"):
            if event["known"]:
                arm.proposer.add(index, event["values"])
        elif self._replaying:
            arm.proposer.replay(index, event["values"])

    def _after_reported(self, event: Event) -> None:
        if self._replaying and not self.reproducible:
            trial = self.history.trials[event["trial"]]
            if self._stops_now(trial):
                self._late[trial.number] = trial.epochs

    def _after_ended(self, event: Event) -> None:
        trial = self.history.trials[event["trial"]]
        if trial.point in self._place and trial.kind == "search":
            arm, index = self._place[trial.point]
            arm.jury(trial.replicate).judge.close(index, trial.state)
        self._verdicts.ended(trial)

    def _after_opened(self, event: Event) -> None:
        self._verdicts.opened()

    def _after_told(self, event: Event) -> None:
        number = event["point"]
        self._open_points.pop(number, None)
        if not self.reproducible:
            self._tell(number)
        self._verdicts.told(self.history.points[number], self.spec.objectives)

    def _after_reopened(self, event: Event) -> None:
        number = event["point"]
        self._open_points[number] = self.history.points[number]
        self._open_points = dict(sorted(self._open_points.items()))
        if event["trial"] is not None and number in self._place:
            trial = self.history.trials[event["trial"]]
            arm, index = self._place[number]
            jury = arm.jury(trial.replicate)
            if index not in jury.open:
                jury.open = sorted([*jury.open, index])

    # --- what runs next ---

    def next(self) -> Assignment | Wait | Done:
        """What a free worker shall do."""
        self.stopping = self.stopping or self._verdicts.stop_reason(self.history)
        if self.stopping:
            return Done()
        for point in list(self._open_points.values()):
            for trial in point.trials.values():
                if trial.state in ("RUNNING", "WAITING") and not trial.over and not trial.in_flight:
                    return self._start(trial)
            replicate = self._next_replicate(point)
            if isinstance(replicate, int):
                return self._start_new(point, replicate, "search")
        if len(self.history.points) < self.spec.points and not self._exhausted:
            point_or_none = self._propose()
            return self._start_new(point_or_none, 0, "search") if point_or_none else Wait()
        if self._open_points:
            return Wait()
        return self._next_confirmation()

    @property
    def _exhausted(self) -> bool:
        """Whether neither ``first:`` nor any arm has a point left to propose."""
        return len(self.history.points) >= len(self.spec.first) and all(arm.proposer.exhausted for arm in self._arms)

    def nothing_left(self) -> bool:
        """Whether everything that the file asks for has its outcome."""
        asked = len(self.history.points) >= self.spec.points or self._exhausted
        count = self.spec.confirm.replicates if self.spec.confirm else 0
        return (
            asked
            and not self._open_points
            and all(
                replicate in point.trials and point.trials[replicate].state in ENDED
                for point in self._to_confirm()
                for replicate in range(CONFIRM_FROM, CONFIRM_FROM + count)
            )
        )

    def halt(self) -> StudyHalted:
        """The error for a study that only fails."""
        return self._verdicts.halt()

    def _start_new(self, point: Point, replicate: int, kind: str) -> Assignment | Wait | Done:
        self.record(
            {
                "event": "started",
                "trial": len(self.history.trials),
                "point": point.number,
                "replicate": replicate,
                "seed": replicate,
                "attempt": 1,
                "kind": kind,
                "epochs": 0,
                "substitutions": {},
            }
        )
        return self._assign(self.history.trials[-1])

    def _start(self, trial: Trial) -> Assignment | Wait | Done:
        """A further attempt at a trial that was interrupted, failed and may be tried again, or was reopened."""
        self.record(
            {
                "event": "started",
                "trial": trial.number,
                "point": trial.point,
                "replicate": trial.replicate,
                "seed": trial.seed,
                "attempt": len(trial.attempts) + 1,
                "kind": trial.kind,
                "epochs": trial.epochs,
                "substitutions": self._substitutions(trial),
            }
        )
        return self._assign(trial)

    def _assign(self, trial: Trial) -> Assignment | Wait | Done:
        recipe = self.recipe_of(trial)
        if recipe is None:
            message = "the sampled values don't make a valid recipe together"
            self.failed(trial.number, trial.attempt.number, {"class": "invalid", "message": message, "details": {}})
            return self.next()
        return Assignment(
            trial.number,
            trial.attempt.number,
            trial.point,
            trial.replicate,
            recipe.model_dump(mode="json"),
            trial.epochs,
            trial.rows[-1].get("seconds", 0.0) if trial.rows else 0.0,
        )

    def recipe_of(self, trial: Trial) -> Recipe | None:
        """The trial's recipe, or None where its values can't be combined."""
        try:
            return self.spec.recipe(self.history.points[trial.point].values, trial.seed, trial.substitutions)
        except SpecError:
            return None

    def _substitutions(self, trial: Trial) -> dict[str, Any]:
        """After running out of memory: twice the accumulation, which is the same batch in half the memory."""
        substitutions = dict(trial.substitutions)
        failure = trial.attempt.failure
        if failure and failure["class"] == "out_of_memory":
            recipe = self.recipe_of(trial)
            if recipe and recipe.data.batch_size % (2 * recipe.accumulation) == 0:
                substitutions["accumulation"] = 2 * recipe.accumulation
        return substitutions

    def _next_replicate(self, point: Point) -> int | Wait | None:
        """The replicate that the point needs next; Wait while that isn't determined, None if it needs no other."""
        started = sum(trial.kind == "search" for trial in point.trials.values())
        if started == 0:
            return 0
        if started >= self.spec.replicates:
            return None
        first = point.trials[0]
        if self.spec.pruner.name == "none" and not self.spec.racing and first.state not in ("PRUNED", "FAIL"):
            return started
        if first.state not in ENDED:
            return Wait()
        if first.state == "PRUNED" or (first.failure and first.failure["class"] in HOPELESS):
            return None
        if self.spec.racing:
            return self._race(point, started)
        return started

    def _race(self, point: Point, started: int) -> int | Wait | None:
        """With racing: no further replicate once the point loses by more than the threshold on its seeds so far."""
        if any(trial.state not in ENDED for trial in point.trials.values() if trial.kind == "search"):
            return Wait()
        mine = point_value(point, self.spec.objectives, started)
        rivals: list[float] = []
        for rival in self.history.points:
            if rival.number == point.number or (self.reproducible and rival.number > point.number):
                continue
            if self.reproducible and rival.number in self._open_points and not has_ended(rival, started):
                if isinstance(self._next_replicate(rival), int | Wait):
                    return Wait()
                continue
            value = point_value(rival, self.spec.objectives, started)
            if isinstance(value, float) and has_ended(rival, started):
                rivals.append(value)
        if not isinstance(mine, float) or not rivals or self.spec.racing is None:
            return started
        sign = 1 if self.spec.objectives[0].direction == "maximize" else -1
        behind = max(sign * value for value in rivals) - sign * mine
        return None if behind > self.spec.racing.threshold else started

    def _propose(self) -> Point | None:
        """Ask for a point and record it; None while what it may depend on isn't settled."""
        number = len(self.history.points)
        if number < len(self.spec.first):
            self._ask(self.spec.first_values(number), "first", entry=number)
            return self.history.points[number]
        arm = min((arm for arm in self._arms if not arm.proposer.exhausted), key=lambda arm: len(arm.points))
        if self.reproducible and not arm.proposer.blind:
            horizon = self._horizon(number)
            if horizon is None or not self._settled_by(horizon, number):
                return None
            self._tell_up_to(horizon)
        values = arm.proposer.propose(len(arm.points))
        self._ask(values, "grid" if self.spec.sampler.name == "grid" else "sampler", level=arm.number)
        return self.history.points[number]

    def _ask(
        self, values: Mapping[str, Any], origin: str, *, entry: int | None = None, level: int | None = None
    ) -> None:
        """Record a point; ``level`` is found from its values where the proposal didn't come from one."""
        known = level is not None or self.spec.params_of(values) is not None
        if level is None:
            level = self.spec.level_of(values)
        nominal = None
        if self.reproducible and not self._arms[0].proposer.blind:
            nominal = self._nominal_cost(self.spec.recipe(values, 0))
        self.record(
            {
                "event": "asked",
                "point": len(self.history.points),
                "values": dict(values),
                "origin": origin,
                "entry": entry,
                "level": level,
                "nominal": nominal,
                "known": known,
            }
        )

    def add_point(self, values: Mapping[str, Any]) -> int:
        """Put a point of the user's own next; it counts beside those that the file asks for."""
        self._ask(values, "user")
        return len(self.history.points) - 1

    def _next_confirmation(self) -> Assignment | Wait | Done:
        running = False
        count = self.spec.confirm.replicates if self.spec.confirm else 0
        for point in self._to_confirm():
            for replicate in range(CONFIRM_FROM, CONFIRM_FROM + count):
                trial = point.trials.get(replicate)
                if trial is None:
                    return self._start_new(point, replicate, "confirm")
                if trial.state in ("RUNNING", "WAITING") and not trial.over and not trial.in_flight:
                    return self._start(trial)
                running |= trial.state not in ENDED
        return Wait() if running else Done()

    def _to_confirm(self) -> list[Point]:
        """The best points, of each level in a method study, and the baseline."""
        if not self.spec.confirm:
            return []
        sign = -1 if self.spec.objectives[0].direction == "maximize" else 1
        chosen: dict[int, Point] = {}
        for arm in self._arms:
            points = [self.history.points[number] for number in arm.points]
            ranked = [point for point in points if point.state == "COMPLETE" and isinstance(point.value, float)]
            ranked.sort(key=lambda point: (sign * point.value, point.number))
            chosen.update({point.number: point for point in ranked[: self.spec.confirm.top]})
        if self.spec.confirm.against is not None:
            baseline = self.history.points[self.spec.confirm.against]
            chosen[baseline.number] = baseline
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
        self._judge(trial)
        return trial.state == "RUNNING"

    def finished(self, number: int, attempt: int, stop_reason: str, summary: Mapping[str, Any]) -> None:
        """The training came to its own end."""
        trial = self._current(number, attempt)
        if trial is None:
            return
        kept = {name: storable(value) for name, value in summary.items()}
        event = {"event": "finished", "trial": number, "attempt": attempt, "stop_reason": stop_reason, "summary": kept}
        self.record(event)
        self._judge(trial)
        self._end(trial)

    def failed(self, number: int, attempt: int, failure: Mapping[str, Any]) -> None:
        """The attempt failed; it is tried again as often as the study file says for its class."""
        trial = self._current(number, attempt)
        if trial is None:
            return
        retry = self._may_retry(trial, failure["class"])
        event = {"event": "failed", "trial": number, "attempt": attempt, "failure": dict(failure), "retry": retry}
        self.record(event)
        if not retry:
            self._judge(trial)
            self._end(trial)

    def _may_retry(self, trial: Trial, failure_class: str) -> bool:
        retries = self.spec.trial.retries
        allowed = {"node": retries.node, "error": retries.error, "out_of_memory": retries.out_of_memory}
        since = trial.attempts[trial.reopened_at :]
        used = sum(1 for attempt in since if attempt.failure and attempt.failure["class"] == failure_class)
        if failure_class == "out_of_memory":
            recipe = self.recipe_of(trial)
            if recipe is None or recipe.data.batch_size % (2 * recipe.accumulation):
                return False
        return used < allowed.get(failure_class, 0)

    def stop_trial(self, number: int) -> bool:
        """End one trial at the user's wish, where it stands; whether there was one to end."""
        trial = self.history.trials[number] if 0 <= number < len(self.history.trials) else None
        if trial is None or trial.state in ENDED:
            return False
        self._stop(trial, trial.epochs, "user")
        return True

    # --- decisions ---

    def _stops_now(self, trial: Trial) -> bool:
        """Ask the judge about the trial's newest epoch, against all that is known now."""
        if trial.kind != "search" or trial.point not in self._place or self._is_last(trial, trial.epochs):
            return False
        arm, index = self._place[trial.point]
        values = objective_values(trial, self.spec.objectives, trial.epochs)
        return arm.jury(trial.replicate).judge.stops(index, trial.epochs, values)

    def _judge(self, trial: Trial, late: bool | None = None) -> None:
        """Decide whether the trial stops at its newest epoch, and whatever else that settles."""
        if self.reproducible:
            self._settle(trial)
        elif not trial.over and (self._stops_now(trial) if late is None else late):
            self._stop(trial, trial.epochs, "pruner")

    def _settle(self, trial: Trial) -> None:
        """Take all decisions that are determined by now among the trials of this one's arm and replicate number."""
        if trial.point not in self._place or trial.kind != "search":
            return
        arm, _ = self._place[trial.point]
        jury = arm.jury(trial.replicate)
        limit = math.inf  # the epochs that every lower trial is decided on
        for index in list(jury.open):
            point = self.history.points[arm.points[index]]
            candidate = point.trials.get(trial.replicate)
            if candidate is None:
                if point.number in self._open_points:
                    limit = 0 if jury.judge.asks else limit
                else:
                    jury.open.remove(index)
                continue
            self._decide(arm, index, candidate, limit)
            if candidate.state in ENDED and jury.decided.get(index, 0) >= candidate.epochs:
                jury.open.remove(index)
            elif jury.judge.asks:
                limit = min(limit, jury.decided.get(index, 0))

    def _decide(self, arm: Arm, index: int, trial: Trial, limit: float) -> None:
        """Take a trial's decisions in the order of its epochs, as far as the lower trials are decided."""
        jury = arm.jury(trial.replicate)
        while (epoch := jury.decided.get(index, 0) + 1) <= trial.epochs:
            if self._is_last(trial, epoch):
                jury.decided[index] = epoch
                break
            if epoch > limit:
                return
            values = objective_values(trial, self.spec.objectives, epoch)
            stops = jury.judge.stops(index, epoch, values)
            jury.decided[index] = epoch
            if stops and trial.state not in ENDED:
                self._stop(trial, epoch, "pruner")
                return
        self._end(trial)

    def _is_last(self, trial: Trial, epoch: int) -> bool:
        """Whether the training is over with this epoch, so that there is nothing to stop."""
        return trial.last_epoch == epoch or (trial.over == "finished" and epoch == trial.epochs)

    def _stop(self, trial: Trial, epoch: int, by: str) -> None:
        self.record(
            {"event": "stopped", "trial": trial.number, "epoch": epoch, "by": by},
            {"event": "ended", "trial": trial.number, "state": "PRUNED", "epochs": epoch},
        )
        self._conclude(self.history.points[trial.point])
        if self.reproducible and by == "user":
            self._settle(trial)

    def _end(self, trial: Trial) -> None:
        """End a trial whose training is over and whose decisions are all taken."""
        if not trial.over or trial.state in ENDED:
            return
        if self.reproducible and trial.kind == "search" and trial.point in self._place:
            arm, index = self._place[trial.point]
            if arm.jury(trial.replicate).decided.get(index, 0) < trial.epochs:
                return
        state = "COMPLETE" if trial.over == "finished" else "FAIL"
        self.record({"event": "ended", "trial": trial.number, "state": state, "epochs": trial.epochs})
        self._conclude(self.history.points[trial.point])

    def _conclude(self, point: Point) -> None:
        """Tell the point's outcome once all its trials have theirs and no further one starts."""
        trials = [trial for trial in point.trials.values() if trial.kind == "search"]
        if point.state in ENDED or not trials or any(trial.state not in ENDED for trial in trials):
            return
        if self._next_replicate(point) is not None:
            return
        if point.trials[0].state == "PRUNED":
            state, value = "PRUNED", None
        else:
            value = point_value(point, self.spec.objectives, None)
            state = "FAIL" if value is None else "COMPLETE"
        self.record({"event": "told", "point": point.number, "state": state, "value": value})
        if self.spec.racing or self.reproducible:
            for other in list(self._open_points.values()):
                self._conclude(other)

    # --- what the sampler is told, and when ---

    def _extent(self, number: int) -> Extent:
        """How far point ``number`` is settled, its replicates taken one after the other."""
        point = self.history.points[number]
        over = number not in self._open_points
        nominal = point.nominal or 1.0
        if number not in self._place:
            return Extent(sum(trial.epochs for trial in point.trials.values() if trial.kind == "search"), over, nominal)
        arm, index = self._place[number]
        epochs = 0
        for replicate in range(self.spec.replicates):
            trial = point.trials.get(replicate)
            if trial is None:
                break
            ended = trial.state in ENDED
            epochs += trial.epochs if ended else arm.jury(replicate).decided.get(index, 0)
            if not ended:
                break
        return Extent(epochs, over, nominal)

    def _horizon(self, number: int) -> float | None:
        """The virtual moment up to which proposal ``number`` sees what happened."""
        lag = number - self._workers
        return self._clock.began(lag) if lag >= 0 else 0.0

    def _settled_by(self, horizon: float, number: int) -> bool:
        """Whether all that happens before the horizon is settled."""
        for lower in range(max(0, number - self._workers)):
            if lower not in self._told:
                extent = self._extent(lower)
                if not extent.over and extent.epochs < self._clock.epochs_by(lower, horizon):
                    return False
        return True

    def _tell_up_to(self, horizon: float | None) -> None:
        """Show the sampler what has happened by a virtual moment."""
        if horizon is None:
            return
        for lower in range(len(self.history.points) - self._workers):
            if lower in self._told or self._clock.began(lower) is None:
                continue
            if self._clock.ended_by(lower, horizon):
                self._tell(lower)
            else:
                self._report(lower, self._clock.epochs_by(lower, horizon))

    def _report(self, number: int, epochs: int) -> None:
        """Pass a running point's epochs on, of its first replicate."""
        if number in self._place:
            arm, index = self._place[number]
            trial = self.history.points[number].trials.get(0)
            for epoch in range(1, min(epochs, trial.epochs) + 1) if trial else ():
                assert trial is not None
                arm.proposer.report(index, epoch, objective_values(trial, self.spec.objectives, epoch)[0])

    def _tell(self, number: int) -> None:
        """Tell the sampler how a point ended."""
        self._told.add(number)
        if number not in self._place:
            return
        point = self.history.points[number]
        arm, index = self._place[number]
        failures = [trial.failure for trial in point.trials.values() if trial.failure]
        if point.state == "FAIL" and any(failure["class"] == "out_of_memory" for failure in failures):
            arm.proposer.tell_infeasible(index)
            return
        self._report(number, point.trials[0].epochs if 0 in point.trials else 0)
        arm.proposer.tell(index, point.state, point.value)


def has_ended(point: Point, replicates: int) -> bool:
    """Whether the point's first ``replicates`` trials have ended."""
    return all(replicate in point.trials and point.trials[replicate].state in ENDED for replicate in range(replicates))


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
