"""What has to hold once a study has come to its end."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from study.execution import provenance
from study.execution.own_code.costs import own_costs
from study.files.layout import StudyPaths
from study.inspection.status import status_of
from study.journal.history import History
from study.journal.ranking import best_point
from study.journal.replay import read_history
from study.results.parquet import read_tables
from study.spec.load import load_spec
from study.spec.sections import column_of
from study.spec.spec import StudySpec

from ..study.controller.studies import promised
from ..study.fake_cluster import Storage, controller_on, drive
from .people import Operator
from .seen import SeenPoint, SeenTrial, promise
from .surroundings.stand_ins import nominal_cost
from .surroundings.worker import row_of, subject_of
from .user import User
from .witness import Witness

FIRST_FRESH_SEED = 1000
ENDED = ("COMPLETE", "PRUNED", "FAIL")
"""What a point or a trial may be in the end."""


class Verdict:
    """Judges one study that has ended, by what the witness has seen."""

    def __init__(
        self,
        witness: Witness,
        operator: Operator,
        user: User,
        step: float,
        orphaned: Collection[int],
    ) -> None:
        self._witness = witness
        self._orphaned = orphaned
        """Trials that an earlier driver's worker may have saved since the last driver looked."""
        self._spec: StudySpec = operator.study.spec
        self._paths: StudyPaths = operator.study.paths
        self._operator = operator
        self._user = user
        self._step = step

    def check(self) -> None:
        """Raise Broken where a promise is broken."""
        self._spec = load_spec(self._paths.spec)  # as it is by now, it may have been extended
        self._witness.catch_up()
        history = read_history(self._paths.journal)
        self._check_all_ended(history)
        self._check_history(history)
        self._check_tables(history)
        self._check_best(history)
        self._check_checkpoints(history)
        self._check_requests()
        self._check_documents(history)
        self._check_equal(history)

    def _check_history(self, history: History) -> None:
        """The project's own reading of the journal is the witness's."""
        witness = self._witness
        promise(len(history.points) == len(witness.points), "points are missing in the history")
        promise(len(history.trials) == len(witness.trials), "trials are missing in the history")
        for point, seen in zip(history.points, witness.points, strict=True):
            promise(point.values == seen.values, f"point {point.number} has other values")
            promise(
                (point.state, point.value) == (seen.state, seen.value),
                f"point {point.number} is {point.state} {point.value}, and on record {seen.state}"
                f" {seen.value}",
            )
        for trial, seen_trial in zip(history.trials, witness.trials, strict=True):
            promise(trial.state == seen_trial.state, f"trial {trial.number} is {trial.state}")
            promise(
                [row["epoch"] for row in trial.rows] == list(range(1, len(seen_trial.rows) + 1)),
                f"trial {trial.number} has rows {[row['epoch'] for row in trial.rows]}",
            )

    def _check_all_ended(self, history: History) -> None:
        for point in history.points:
            promise(point.state in ENDED, f"point {point.number} is {point.state} in the end")
        for trial in history.trials:
            promise(trial.state in ENDED, f"trial {trial.number} is {trial.state} in the end")
        by_file = sum(point.origin != "user" for point in history.points)
        promise(by_file <= self._spec.points, "more points than the study file asks for")

    def _check_tables(self, history: History) -> None:
        """The tables show what the journal holds."""
        tables = read_tables(self._paths)
        promise(tables is not None, "the tables are missing, or older than the journal")
        assert tables is not None
        points = tables.points.select(["point", "state", "value"]).to_pylist()
        seen: list[dict[str, Any]] = [
            {"point": point.number, "state": point.state, "value": point.value}
            for point in self._witness.points
        ]
        promise(points == seen, f"the table of points holds {points}, and the journal {seen}")
        trials = tables.trials.select(["trial", "point", "replicate", "state", "epochs"])
        expected = [_trial_row(trial) for trial in self._witness.trials]
        promise(trials.to_pylist() == expected, "the table of trials isn't what the journal holds")
        epochs = []
        if len(tables.epochs):  # without a row an own training's figures are not known
            shown = ["trial", "epoch", "val_accuracy", "val_loss"]
            epochs = tables.epochs.select(shown).to_pylist()
        rows = [
            {
                "trial": trial.number,
                "epoch": number,
                "val_accuracy": row["val_accuracy"],
                "val_loss": row["val_loss"],
            }
            for trial in self._witness.trials
            for number, row in enumerate(trial.rows, start=1)
        ]
        promise(epochs == rows, "the table of epochs isn't what the journal holds")

    def _check_best(self, history: History) -> None:
        """The best point is the first of those with the best value, unless it was confirmed."""
        if self._spec.confirm or self._spec.racing:
            return
        best = best_point(history.points, self._spec, whole_seeds=history.whole_seeds)
        expected = best_of(self._witness.points, self._spec)
        found = None if best is None else best.number
        promise(found == expected, f"the best point is {found}, and should be {expected}")
        status = status_of(self._paths)
        promise(status["best_point"] == expected, "the status shows another best point")

    def _check_checkpoints(self, history: History) -> None:
        """What ``keep_checkpoints`` promises is there, and nothing else."""
        best = best_point(history.points, self._spec, whole_seeds=history.whole_seeds)
        for seen in self._witness.trials:
            if seen.state != "COMPLETE" or seen.number in self._witness.states.damaged:
                continue
            if (
                seen.point in self._witness.states.reopened
            ):  # it may have lost them when it had failed
                continue
            found = self._checkpoints_of(seen)
            is_best = best is not None and best.number == seen.point
            policy = self._spec.keep_checkpoints
            if policy == "best" and self._has_one_been_best_in_vain():
                continue
            if policy in ("last", "all") or (policy == "best" and is_best):
                promise(
                    any(epoch >= len(seen.rows) for epoch in found),
                    f"trial {seen.number} has no checkpoint of its last epoch: {found}",
                )
            if seen.number in self._orphaned:
                continue
            if policy == "none":
                promise(not found, f"trial {seen.number} keeps checkpoints: {found}")
            if policy == "best" and not is_best and self._spec.confirm is None:
                promise(not found, f"trial {seen.number} keeps checkpoints, though not the best")

    def _has_one_been_best_in_vain(self) -> bool:
        """Whether a point that others had to make way for may count no more, so that the best one
        by now has lost its checkpoint.
        """
        points = self._witness.points
        return bool(self._witness.states.reopened) or any(point.is_dropped for point in points)

    def _checkpoints_of(self, trial: SeenTrial) -> list[int]:
        folder = self._paths.checkpoints(trial.point, trial.replicate)
        names = [parts[-1] for parts in folder.files_below()]
        return sorted(int(name[-11:-5]) for name in names if name.endswith(".ckpt"))

    def _check_requests(self) -> None:
        """What was answered is done or refused, once, and nothing of it is left."""
        left = [parts[-1] for parts in self._paths.requests.files_below()]
        promise(
            not [name for name in left if name.endswith(".json")],
            f"requests are left though the study is over: {left}",
        )
        for asked in self._user.asked:
            if asked.do == "add":
                points = [
                    point.number
                    for point in self._witness.points
                    if point.origin == "user" and point.values == asked.values
                ]
                promise(len(points) <= 1, f"{asked.values} was added as points {points}")
                if asked.answer in ("accepted", "done"):
                    promise(points, f"{asked.values} was to be added, and never was")
                if asked.answer == "refused":
                    promise(not points, f"{asked.values} was refused, and added")
            if asked.do == "extend" and asked.answer == "accepted":
                promise(
                    self._spec.points >= asked.number,
                    f"the study was to have {asked.number} points, and has {self._spec.points}",
                )
            if asked.do == "drop" and asked.answer in ("accepted", "done"):
                points = self._witness.points
                promise(
                    asked.number < 0 or points[asked.number].is_dropped,
                    f"point {asked.number} was to be dropped, and is not",
                )

    def _check_documents(self, history: History) -> None:
        """The provenance says what the journal says of sessions and failures."""
        found = json.loads(self._paths.provenance.read_text())
        expected = json.loads(json.dumps(provenance.document(history)))
        promise(found == expected, f"the provenance is {found}, and should be {expected}")

    def _check_equal(self, history: History) -> None:
        """A reproducible study has come to what it comes to undisturbed."""
        if not self._spec.reproducible or self._witness.was_disturbed:
            return
        if self._spec.pruner.promotes and len(history.specs) > 1:
            return  # with more points from the beginning others would have been promoted
        expected = undisturbed(self._spec, self._step)
        found = promised(_Of(history))  # type: ignore[arg-type]
        for one, other in zip(_searched(found), _searched(expected), strict=True):
            promise(one == other, f"undisturbed it comes to {other}, and here to {one}")


class _Of:
    """What has a history."""

    def __init__(self, history: History) -> None:
        self.history = history


def undisturbed(spec: StudySpec, step: float) -> list[tuple[Any, ...]]:
    """What the study comes to in memory, on the fake cluster."""

    def curve(recipe: dict[str, Any], epoch: int) -> dict[str, Any]:
        plain = {name: value for name, value in recipe.items() if name != "point"}
        return row_of(subject_of(plain), epoch, step)

    cost = nominal_cost if spec.train is None else own_costs(spec)
    controller = controller_on(Storage(), spec, nominal_cost=cost)
    drive(controller, seed=1, workers=spec.concurrency or 2, curve=curve)
    return promised(controller)


def _searched(points: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """What the search has come to: an extended study may have confirmed others before."""
    return [
        (*point, [trial for trial in trials if trial[0] < FIRST_FRESH_SEED])
        for *point, trials in points
    ]


def best_of(points: list[SeenPoint], spec: StudySpec) -> int | None:
    """The lowest of the numbers of the points with the best value."""
    values = {point.number: point.value for point in points if point.value is not None}
    if not values:
        return None
    is_higher_better = spec.objectives[0].sign > 0
    best = max(values.values()) if is_higher_better else min(values.values())
    return min(number for number, value in values.items() if value == best)


def values_of(trial: SeenTrial, spec: StudySpec) -> list[float]:
    """What a trial comes to by each objective."""
    values = []
    for objective in spec.objectives:
        column = [row[column_of(objective.metric)] for row in trial.rows]
        best = max(column) if objective.sign > 0 else min(column)
        values.append(column[-1] if objective.at == "last" else best)
    return values


def _trial_row(trial: SeenTrial) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "point": trial.point,
        "replicate": trial.replicate,
        "state": trial.state,
        "epochs": len(trial.rows),
    }
