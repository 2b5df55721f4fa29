"""Whether another pruner would have found the same winner for less, where that is sure."""

from __future__ import annotations

from dataclasses import replace

from study.inspection.decisions.replay.curves import curves_of
from study.inspection.decisions.replay.outcome import Recorded, RuleOutcome, exact_outcome
from study.journal.history import History
from study.spec.pruners import Asha, Hyperband, Median, PrunerChoice
from study.spec.spec import StudySpec

_TRIED: tuple[PrunerChoice, ...] = (Asha(), Hyperband(), Median())
"""The pruners that are tried, as they are by default."""
_WORTH_TELLING = 0.75
"""What is saved is told where the epochs are this share of those that were run, or less."""
_MOST_EPOCHS = 30_000
"""A study with more isn't run once more, only to say a sentence."""


def saving_sentence(history: History, spec: StudySpec) -> str:
    """Return a sentence on the pruner that would have found the same winner with the fewest epochs.

    It is empty where none would have saved enough, where it isn't sure, and while trials run.
    """
    curves = curves_of(history, spec)
    epochs = sum(curve.epochs for curve in curves.values())
    is_over = all(curve.trial.has_ended for curve in curves.values())
    if not curves or not is_over or epochs > _MOST_EPOCHS:
        return ""
    recorded = Recorded(spec, history, curves)
    found = [_outcome(recorded, pruner) for pruner in _TRIED if pruner != spec.pruner]
    as_good = [
        outcome
        for outcome in found
        if outcome is not None and outcome.loss == 0 and _is_the_winner(outcome, recorded)
    ]
    best = min(as_good, key=lambda outcome: outcome.epochs, default=None)
    if best is None or best.epochs > _WORTH_TELLING * epochs:
        return ""
    return (
        f"With `pruner: {best.pruner}` the same points would have led to the same winner, point"
        f" {best.winner}, in {best.epochs:,} epochs instead of {epochs:,}"
        f" ({best.epochs / epochs:.0%}); `study replay` says more."
    )


def _outcome(recorded: Recorded, pruner: PrunerChoice) -> RuleOutcome | None:
    return exact_outcome(recorded, replace(recorded.spec, pruner=pruner), pruner.name)


def _is_the_winner(outcome: RuleOutcome, recorded: Recorded) -> bool:
    return recorded.winner is not None and outcome.winner == recorded.winner.number
