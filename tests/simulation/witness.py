"""Watches a study as somebody who knows what its journal must say, and nothing of how it is made.

Every record that the storage has confirmed is taken down here, and held against the rules at once.
The rules are written out again from what a study promises, in plain dictionaries: of the project's
own history, ranking and tables nothing is used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .promises.saved_states import SavedStates
from .promises.shown_tables import ShownTables
from .promises.stops import Moment, Stops
from .seen import Record, SeenPoint, SeenTrial, may_fail_of, promise, summary
from .surroundings.world import World


class Witness:
    """Takes down what a study's drivers have made durable."""

    def __init__(self, world: World) -> None:
        self.records: list[Record] = []
        self.points: list[SeenPoint] = []
        self.trials: list[SeenTrial] = []
        self.sessions = 0
        self.is_open = False
        """Whether the last session has not been closed."""
        self.reasons: list[str] = []
        """Why sessions ended."""
        self.stops = Stops(world, self.moment)
        self.after_close: Callable[[], None] = lambda: None
        """Called when the record of a session's end is durable."""
        self.was_disturbed = False
        """Whether anything has happened that lies outside the promise of equal results."""
        self.states = SavedStates(self.trials)
        """What is saved of the trials' trainings."""
        self.tables = ShownTables(self.points, self.trials)
        """What tables are to show."""
        self.value_of: Callable[[SeenTrial], list[float]] = lambda trial: [0.0]
        """What a trial comes to by each of the study's objectives."""
        self.raw_records: Callable[[int | None], Sequence[Record]] = lambda most: []
        """Reads the first so many records past all faults, and past the project's own code."""
        self._world = world

    # --- what is on record ---

    def acknowledge(self, first: int, records: Sequence[Record]) -> None:
        """Take down what an append has made durable, from record number ``first`` on."""
        if first > len(self.records):  # appends that came through though nobody heard of it
            self.catch_up(first)
        there = len(self.records)
        taken = [json.loads(json.dumps(record)) for record in records]
        if first < there:  # its answer was lost, and others have read it since
            is_same = self.records[first : first + len(taken)] == taken
            promise(is_same, f"record {first} was written, and {there} had been acknowledged")
            return
        promise(first == there, f"record {first} was written, and there are {there}")
        for record in taken:
            self._take(record)
        if taken[-1]["event"] == "closed":
            self.after_close()

    def catch_up(self, up_to: int | None = None) -> None:
        """Take down what the storage holds beyond what was acknowledged."""
        found = self.raw_records(up_to)
        self.check_kept(found)
        for record in found[len(self.records) : up_to]:
            self._take(record)

    def check_kept(self, found: Sequence[Record]) -> None:
        """Whether the storage still has everything that was acknowledged."""
        for number, record in enumerate(self.records):
            promise(number < len(found), f"record {number} was acknowledged, and is gone")
            promise(found[number] == record, f"record {number} was acknowledged, and is another")

    def _take(self, record: Record) -> None:
        number = len(self.records)
        self.records.append(record)
        kind = record["event"]
        self._world.tell(f"record {number}", summary(record))
        self._world.count(f"event {kind}")
        promise((kind == "created") == (number == 0), f"record {number} is {kind}")
        act = getattr(self, f"_on_{kind}", None)
        if act is not None:
            act(record)
        self.tables.note(record)

    # --- sessions ---

    def _on_opened(self, record: Record) -> None:
        self.sessions += 1
        promise(record["session"] == self.sessions, f"session {record['session']} out of turn")
        self.is_open = True
        for trial in self.trials:
            trial.is_in_flight = False

    def _on_closed(self, record: Record) -> None:
        promise(self.is_open, "a session is closed that is not open")
        self.is_open = False
        self.reasons.append(record["reason"])
        for trial in self.trials:
            trial.is_in_flight = False

    # --- points ---

    def _on_asked(self, record: Record) -> None:
        promise(record["point"] == len(self.points), f"point {record['point']} out of turn")
        request = record.get("request", "")
        answered = [point.request for point in self.points if point.request]
        promise(not request or request not in answered, f"request {request} has two points")
        point = SeenPoint(len(self.points), record["values"], record["origin"], request)
        self.points.append(point)
        if record["origin"] == "user":
            self.was_disturbed = True

    def _on_told(self, record: Record) -> None:
        point = self.points[record["point"]]
        promise(not point.state, f"point {point.number} has two outcomes")
        search = [trial for trial in point.trials if trial.kind == "search"]
        promise(search or point.is_dropped, f"point {point.number} ends without a trial")
        for trial in search:
            promise(trial.state, f"point {point.number} ends before trial {trial.number}")
        point.state, point.value = record["state"], record["value"]
        if point.is_dropped:
            point.value = None
            return
        states = {trial.state for trial in search}
        if "FAIL" in states or "PRUNED" in states:
            promise(point.state != "COMPLETE", f"point {point.number} is COMPLETE with {states}")
            promise(point.value is None, f"point {point.number} has a value with {states}")
            return
        promise(point.state == "COMPLETE", f"point {point.number} is {point.state} with {states}")
        values = [self.value_of(trial) for trial in sorted(search, key=lambda t: t.replicate)]
        means = [sum(column) / len(values) for column in zip(*values, strict=True)]
        found = point.value if isinstance(point.value, list) else [point.value]
        promise(found == means, f"point {point.number} has {found}, its seeds {means}")

    def _on_dropped(self, record: Record) -> None:
        point = self.points[record["point"]]
        promise(not point.is_dropped, f"point {point.number} is dropped twice")
        point.is_dropped, point.value = True, None
        self.was_disturbed = True

    def _on_reopened(self, record: Record) -> None:
        point = self.points[record["point"]]
        self.was_disturbed = True
        self.states.reopened.add(point.number)
        if record["trial"] is None:
            point.state, point.value = "", None
            return
        trial = self.trials[record["trial"]]
        promise(trial.state, f"trial {trial.number} is reopened before its end")
        trial.state, trial.stopped_at, trial.is_finished, trial.is_failed = "", None, False, False
        if record["why"] == "retry":  # the checkpoints of what failed need not be kept
            self.states.begin_anew(trial.number)
        if trial.kind == "search":
            point.state, point.value = "", None

    # --- trials ---

    def _on_started(self, record: Record) -> None:
        number, point = record["trial"], self.points[record["point"]]
        if number == len(self.trials):
            trial = SeenTrial(number, point.number, record["replicate"], record["kind"])
            taken = [other.replicate for other in point.trials]
            promise(trial.replicate not in taken, f"point {point.number} has a seed twice")
            self.trials.append(trial)
            point.trials.append(trial)
        promise(number < len(self.trials), f"trial {number} out of turn")
        trial = self.trials[number]
        promise(not point.is_dropped, f"trial {number} is started though its point is dropped")
        promise(self.is_open, f"trial {number} is started while nobody drives the study")
        promise(not trial.state, f"trial {number} is started after its end")
        promise(not trial.is_finished, f"trial {number} is started after its training's end")
        promise(not trial.is_in_flight, f"trial {number} is started while it runs")
        promise(record["attempt"] == trial.attempt + 1, f"trial {number}: attempts out of turn")
        promise(record["epochs"] == len(trial.rows), f"trial {number}: started after other rows")
        is_new = record["attempt"] == 1
        promise(is_new or record.get("until") == trial.until, f"trial {number}: other epochs due")
        trial.until = record.get("until")
        promise(not self._waits(trial), f"trial {number} is started while it waits")
        trial.attempt, trial.is_in_flight = record["attempt"], True

    def _running(self, record: Record) -> SeenTrial:
        """The trial of a record that only its running attempt may give."""
        trial = self.trials[record["trial"]]
        promise(
            trial.is_in_flight and record["attempt"] == trial.attempt and not trial.state,
            f"trial {trial.number}: {record['event']} of attempt {record['attempt']}, which does"
            " not run",
        )
        return trial

    def _on_placed(self, record: Record) -> None:
        self._running(record)

    def _on_reported(self, record: Record) -> None:
        trial = self._running(record)
        epoch = record["epoch"]
        promise(epoch == len(trial.rows) + 1, f"trial {trial.number}: epoch {epoch} out of turn")
        promise(not self._waits(trial), f"trial {trial.number} trains on while it waits")
        trial.rows.append(record["metrics"])
        trial.is_at_its_end = bool(record.get("last"))

    def _waits(self, trial: SeenTrial) -> bool:
        """Whether a trial has come as far as it may before it is promoted."""
        return trial.until is not None and len(trial.rows) >= trial.until

    def _on_promoted(self, record: Record) -> None:
        trial = self.trials[record["trial"]]
        number, until = trial.number, record["until"]
        promise(not trial.state, f"trial {number} is promoted after its end")
        promise(self._waits(trial), f"trial {number} is promoted and doesn't wait")
        promise(not trial.is_at_its_end, f"trial {number} is promoted at its end")
        promise(not trial.is_in_flight, f"trial {number} is promoted while it runs")
        promise(trial.until is not None, f"trial {number} is promoted and goes to its end")
        promise(until is None or until > len(trial.rows), f"trial {number}: promoted to {until}")
        trial.until = until

    def _on_stopped(self, record: Record) -> None:
        trial = self.trials[record["trial"]]
        promise(not trial.state, f"trial {trial.number} is stopped after its end")
        promise(record["epoch"] <= len(trial.rows), f"trial {trial.number}: stopped too late")
        trial.stopped_at = record["epoch"]
        del trial.rows[record["epoch"] :]
        if record["by"] == "user":
            self.was_disturbed = True

    def _on_finished(self, record: Record) -> None:
        trial = self._running(record)
        trial.is_finished, trial.is_in_flight = True, False

    def _on_failed(self, record: Record) -> None:
        trial = self._running(record)
        trial.is_in_flight = False
        trial.is_failed = not record["retry"]
        trial.failures.append(record["failure"]["class"])
        failure = record["failure"]
        promise(may_fail_of(failure), f"trial {trial.number} failed of what nobody did: {failure}")
        if not record["retry"]:
            self.was_disturbed = True

    def _on_set_aside(self, record: Record) -> None:
        trial = self._running(record)
        trial.is_in_flight = False
        self.states.check_makes_way(trial, record["epoch"])

    def _on_ended(self, record: Record) -> None:
        trial = self.trials[record["trial"]]
        promise(not trial.state, f"trial {trial.number} has two outcomes")
        promise(record["epochs"] == len(trial.rows), f"trial {trial.number}: ended with other rows")
        expected = "FAIL" if trial.is_failed else "COMPLETE"
        if trial.stopped_at is not None:
            expected = "PRUNED"
        promise(record["state"] == expected, f"trial {trial.number} ended {record['state']}")
        promise(
            expected != "COMPLETE" or trial.is_finished,
            f"trial {trial.number} is COMPLETE and has not finished",
        )
        trial.state, trial.is_in_flight = record["state"], False

    # --- what leaves the driver ---

    def check_assignment(self, assignment: Mapping[str, Any]) -> None:
        """A worker gets an attempt: it has to be on record, with its point."""
        number, attempt = assignment["trial"], assignment["attempt"]
        self.stops.check_goes_on()
        promise(number < len(self.trials), f"trial {number} runs and is not on record")
        trial = self.trials[number]
        promise(trial.attempt == attempt, f"trial {number}: attempt {attempt} is not on record")
        promise(
            assignment["epochs_reported"] == len(trial.rows),
            f"trial {number}: told of {assignment['epochs_reported']} epochs",
        )

    def moment(self) -> Moment:
        """The moment that it is."""
        drivers = sum(process.name.startswith("driver") for process in self._world.processes)
        return drivers, len(self.reasons)

    def check_stopped(self, assignment: Mapping[str, Any], is_stopping: bool) -> None:
        """A worker is told to stop: that has to be on record, or the study stops."""
        trial = self.trials[assignment["trial"]]
        runs = trial.is_in_flight and trial.attempt == assignment["attempt"] and not trial.state
        promise(
            is_stopping or not runs or not self.is_open,
            f"trial {trial.number} is told to stop, and nothing is on record",
        )
