"""Which trials stop, and when that is settled."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from study.controller.stop_decisions import StopTrial
from study.controller.study_state import StudyState
from study.journal.events import (
    AttemptStarted,
    EpochReported,
    PointAsked,
    StudyCreated,
    TrialEnded,
    TrialStopped,
)

from ..fake_cluster import Killed, Storage, controller_on, drive, outcome, small_spec


@pytest.mark.parametrize("seed", range(3))
def test_trials_that_ran_on_to_their_end_before_a_stop_count_the_same_after_a_resume(
    seed: int,
) -> None:
    changes: dict[str, Any] = {
        "points": 40,
        "concurrency": 4,
        "recipe": {"epochs": 3},
        "sampler": {"seed": seed},
    }
    whole = controller_on(Storage(), small_spec(**changes))
    drive(whole, workers=4, jitter=1.5)
    storage, checkpoints = Storage(), dict[int, int]()
    for session in range(100):
        storage.die_after = storage.writes + 30
        try:
            controller = controller_on(storage, small_spec(**changes))
            drive(controller, workers=4, seed=session, jitter=1.5, checkpoints=checkpoints)
            break
        except Killed:
            continue
    cut = [event for event in storage.events if event["event"] == "stopped"]
    assert cut
    assert outcome(controller) == outcome(whole)


ASHA = {"name": "asha", "min_epochs": 1, "reduction": 2}
HIGH, LOW = 0.9, 0.1


class Trials:
    """Three points whose trials run, and what is decided of them as they report."""

    def __init__(self, *, reproducible: bool) -> None:
        spec = small_spec(points=3, concurrency=3, pruner=ASHA, reproducible=reproducible)
        self.state = StudyState(
            spec,
            Storage().append,
            workers=3,
            nominal_cost=lambda recipe: 1.0,
            reproducible=reproducible,
            keep_going=False,
        )
        created = StudyCreated(
            study="s", format=1, reproducible=reproducible, concurrency=3, seeds="whole"
        )
        self.state.record(created)
        for number in range(3):
            self._start(number)

    def _start(self, number: int) -> None:
        values = {"optimizer.name": "sgd", "optimizer.lr": 0.1 + number / 100}
        origin = {"origin": "user", "entry": None, "level": 0, "nominal": None, "known": True}
        start = {"replicate": 0, "seed": 0, "attempt": 1, "kind": "search", "epochs": 0}
        self.state.record(
            PointAsked(point=number, values=values, **origin),
            AttemptStarted(trial=number, point=number, substitutions={}, **start),
        )

    def report(self, number: int, accuracy: float) -> list[tuple[str, int, int]]:
        """Report a trial's next epoch, and record and give what is decided then."""
        trial = self.state.history.trials[number]
        epoch = trial.epochs + 1
        report = EpochReported(
            trial=number, attempt=1, epoch=epoch, last=False, metrics={"val_accuracy": accuracy}
        )
        self.state.record(report)
        decided = []
        for decision in self.state.stop_decisions.decide(trial):
            assert isinstance(decision, StopTrial)
            decided.append(("stop", decision.trial.number, decision.epoch))
            self.state.record(
                TrialStopped(trial=decision.trial.number, epoch=decision.epoch, by="pruner"),
                TrialEnded(trial=decision.trial.number, state="PRUNED", epochs=decision.epoch),
            )
        return decided


def test_in_a_reproducible_study_a_decision_waits_for_the_trials_of_lower_number() -> None:
    trials = Trials(reproducible=True)
    assert trials.report(2, LOW) == [], "trials 0 and 1 have not come so far"
    assert trials.report(2, LOW) == [], "meanwhile it runs on"
    assert trials.report(1, HIGH) == []
    assert trials.report(0, HIGH) == [("stop", 2, 1)], "all three are decided on at epoch 1"
    assert trials.state.history.trials[2].epochs == 1, "its second epoch doesn't count"


def test_a_reproducible_study_decides_alike_in_whichever_order_trials_report() -> None:
    rows = {0: HIGH, 1: LOW, 2: LOW}
    for order in itertools.permutations(rows):
        trials = Trials(reproducible=True)
        for number in order:
            trials.report(number, rows[number])
        states = [trial.state for trial in trials.state.history.trials]
        assert states == ["RUNNING", "PRUNED", "PRUNED"], order


def test_elsewhere_a_trial_is_decided_on_at_once_by_all_that_is_known() -> None:
    trials = Trials(reproducible=False)
    assert trials.report(2, LOW) == [], "there is nothing yet to compare it with"
    assert trials.report(0, HIGH) == []
    assert trials.report(1, LOW) == [("stop", 1, 1)]
    assert trials.state.history.trials[2].state == "RUNNING"
