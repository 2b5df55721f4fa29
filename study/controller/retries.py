"""Which failed attempts are tried again, and with what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from study.journal.failure import Failure
from study.journal.trials import Trial

if TYPE_CHECKING:
    from study.spec.sections import TrialLimits
    from study.training.recipe.recipe import Recipe

DEATHS = 4
"""So often may a trial's process die after one and the same epoch before that counts as the trial's
own doing.
"""


def may_retry(rules: TrialLimits, trial: Trial, failure_class: str, recipe: Recipe | None) -> bool:
    """Whether a trial, of which ``recipe`` is what it trained with, gets another attempt after such
    a failure.
    """
    if failure_class == "storage":
        return True  # says nothing of the trial
    if failure_class == "out_of_memory" and _doubled_accumulation(recipe) is None:
        return False
    retries = rules.retries
    allowed = {"node": retries.node, "error": retries.error, "out_of_memory": retries.out_of_memory}
    since = trial.attempts[trial.attempts_before_reopening :]
    used = sum(
        1 for attempt in since if attempt.failure and attempt.failure.failure_class == failure_class
    )
    return used < allowed.get(failure_class, 0)


def substitutions(trial: Trial, recipe: Recipe | None) -> dict[str, Any]:
    """After running out of memory: twice the accumulation, which is the same batch in half the
    memory.
    """
    failure = trial.attempt.failure
    doubled = _doubled_accumulation(recipe)
    if failure and failure.failure_class == "out_of_memory" and doubled:
        return {**trial.substitutions, "accumulation": doubled}
    return trial.substitutions


def _doubled_accumulation(recipe: Recipe | None) -> int | None:
    """Twice the recipe's accumulation; None where that doesn't divide its batch."""
    if recipe is None or recipe.data.batch_size % (2 * recipe.accumulation):
        return None
    return 2 * recipe.accumulation


def dies_in_place(trial: Trial, failure: Failure) -> bool:
    """Whether DEATHS attempts in a row have lost their process, not their node, without finishing
    an epoch.
    """
    last = trial.attempts[trial.attempts_before_reopening :][-DEATHS:]
    failures = [*(attempt.failure for attempt in last[:-1]), failure]
    died = all(
        each is not None and each.failure_class == "node" and each.details.get("node_alive")
        for each in failures
    )
    return died and len(last) == DEATHS and last[0].epochs_before == trial.epochs
