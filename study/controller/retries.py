"""Which failed attempts are tried again, and with what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from study.errors import SpecError
from study.journal.failure import Failure, FailureClass
from study.journal.trials import Attempt, Trial

if TYPE_CHECKING:
    from study.journal.trials import Point
    from study.spec.spec import StudySpec

DEATHS = 4
"""How often in a row a trial's process may die after one and the same epoch, before that counts as
the trial's own doing.
"""


def may_retry(spec: StudySpec, point: Point, trial: Trial, failure_class: FailureClass) -> bool:
    """Whether a trial of a point gets another attempt after such a failure."""
    if failure_class == "storage":
        return True  # it says nothing of the trial
    if failure_class == "out_of_memory" and _in_half_the_memory(spec, point, trial) is None:
        return False
    retries = spec.trial.retries
    allowed = {
        "node": retries.node,
        "device": retries.node,
        "error": retries.error,
        "out_of_memory": retries.out_of_memory,
    }
    same = [
        attempt
        for attempt in _attempts_that_count(trial)
        if attempt.failure and attempt.failure.failure_class == failure_class
    ]
    return len(same) < allowed.get(failure_class, 0)


def substitutions_for(spec: StudySpec, point: Point, trial: Trial) -> dict[str, Any]:
    """The values that a trial's next attempt changes, by dotted path.

    After a failure for want of memory the gradients are accumulated over twice as many steps: the
    same batch in half the memory.
    """
    failure = trial.attempt.failure
    if failure is None or failure.failure_class != "out_of_memory":
        return trial.substitutions
    changes = _in_half_the_memory(spec, point, trial)
    return trial.substitutions if changes is None else {**trial.substitutions, **changes}


def _in_half_the_memory(spec: StudySpec, point: Point, trial: Trial) -> dict[str, Any] | None:
    """The values with which an attempt would take half the memory of the trial's latest one.

    None where there are none, or the study's rules keep them out.
    """
    try:
        training = spec.training(point.values, trial.substitutions)
        changes = training.in_half_the_memory()
        if changes is None:
            return None
        broken = spec.broken_rules(point.values, trial.substitutions)
        with_changes = {**trial.substitutions, **changes}
        newly_broken = set(spec.broken_rules(point.values, with_changes)) - set(broken)
    except SpecError:
        return None
    return None if newly_broken else changes


def dies_in_place(trial: Trial, failure: Failure) -> bool:
    """Whether DEATHS attempts in a row have lost their process without finishing an epoch.

    ``failure`` is the latest attempt's. Attempts that have lost their node don't count.
    """
    latest = _attempts_that_count(trial)[-DEATHS:]
    failures = [*(attempt.failure for attempt in latest[:-1]), failure]
    if len(latest) < DEATHS or not all(_is_death(each) for each in failures):
        return False
    return latest[0].epochs_before == trial.epochs


def _is_death(failure: Failure | None) -> bool:
    """Whether an attempt lost its process, or all use of its GPU, while its node went on."""
    if failure is None:
        return False
    if failure.failure_class == "device":
        return bool(failure.details.get("context_lost"))
    return failure.failure_class == "node" and bool(failure.details.get("node_alive"))


def _attempts_that_count(trial: Trial) -> list[Attempt]:
    """The attempts since the trial was last reopened."""
    return trial.attempts[trial.attempts_before_reopening :]
