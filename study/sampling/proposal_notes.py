"""How a proposal came to be, as far as its sampler can tell: noted when it is made, since nobody
can ask for it afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from study.journal.proposal_note import ProposalNote, Proposing, RedrawReason

if TYPE_CHECKING:
    import optuna


def note_without_model(by: Proposing, redrawn: Sequence[RedrawReason] = ()) -> ProposalNote:
    """The note of a point that was proposed without a look at results."""
    note: ProposalNote = {"by": by, "learned_from": 0}
    return _with_redrawn(note, redrawn)


def note_of_draw(
    sampler: optuna.samplers.BaseSampler,
    trial: optuna.Trial,
    redrawn: Sequence[RedrawReason],
) -> ProposalNote:
    """The note of a point that a sampler has just drawn as ``trial``."""
    import optuna

    if isinstance(sampler, optuna.samplers.QMCSampler):
        return note_without_model("qmc", redrawn)
    if isinstance(sampler, optuna.samplers.RandomSampler):
        return note_without_model("random", redrawn)
    ratio = _log_ratio(sampler, trial)
    if ratio is None and not trial.relative_params:
        return note_without_model("random", redrawn)
    told = _told(trial.study)
    note: ProposalNote = {"by": "model", "learned_from": told}
    if ratio is not None:
        note |= _chance(ratio, _count_among(sampler, told), told)
    return _with_redrawn(note, redrawn)


def _with_redrawn(note: ProposalNote, redrawn: Sequence[RedrawReason]) -> ProposalNote:
    return {**note, "redrawn": list(redrawn)} if redrawn else note


def _told(study: optuna.Study) -> int:
    """How many points' results the sampler knows; from those that failed it learns nothing."""
    from optuna.trial import TrialState

    states = (TrialState.COMPLETE, TrialState.PRUNED)
    return len(study.get_trials(deepcopy=False, states=states))


def _log_ratio(sampler: optuna.samplers.BaseSampler, trial: optuna.Trial) -> float | None:
    """How much likelier a draw of TPE's is among its better points than among the others, as a
    logarithm; None where TPE's model had no part in it.
    """
    from study.sampling.optuna_internals import NotingTPESampler

    if not isinstance(sampler, NotingTPESampler):
        return None
    # a branch that was not taken was drawn too
    ratios = [ratio for names, ratio in sampler.log_ratios if names <= trial.params.keys()]
    return sum(ratios) if ratios else None


def _count_among(sampler: optuna.samplers.BaseSampler, told: int) -> int:
    """How many of the points that it knows TPE takes for its better ones."""
    from study.sampling.optuna_internals import NotingTPESampler

    assert isinstance(sampler, NotingTPESampler)
    return sampler.count_better(told)


def _chance(log_ratio: float, better: int, told: int) -> ProposalNote:
    """The chance that TPE gave a draw to be among its better points, and how many those are."""
    if not 0 < better < told:
        return {"among": better}
    log_odds = log_ratio + math.log(better / (told - better))
    chance = 1 / (1 + math.exp(-log_odds)) if log_odds > -700 else 0.0
    return {"expected": round(chance, 4), "among": better}
