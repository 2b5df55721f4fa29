"""Which pruner ``pruner: auto`` is, by what was measured on recorded curves.

On them no other rule of this project whose winners were no worse took fewer epochs to a good point
than ``asha`` with promotion: docs/fewer-epochs.md has the figures. Where its decisions would take
from a study what it is made for, nothing is pruned.
"""

from __future__ import annotations

from study.errors import SpecError
from study.spec.pruners import Asha, NoPruning, PrunerChoice
from study.spec.spec import StudySpec

_EVERY_POINT = "every point of {} is wanted whole"


def auto_pruner(spec: StudySpec) -> tuple[PrunerChoice, str]:
    """Return what ``auto`` is in a study that is sound otherwise, and why, in a few words.

    Of what an extension may change it depends on the number of epochs alone.
    """
    against = _against_pruning(spec)
    if against:
        return NoPruning(), against
    return Asha(promote=True), "few epochs to a good point, and winners no worse, where measured"


def auto_note(pruner: PrunerChoice, why: str) -> str:
    """Tell the user what ``auto`` has come to be."""
    options = [f"{key} {_option_text(value)}" for key, value in pruner.options.items()]
    return f"pruner: auto is {', '.join([pruner.name, *options])}: {why}"


def _against_pruning(spec: StudySpec) -> str:
    """Return why nothing may be pruned; empty where something may."""
    if spec.sampler.name == "grid":
        return _EVERY_POINT.format("a grid")
    if spec.sampler.name == "first-only":
        return _EVERY_POINT.format("first")
    if spec.mode == "method-study":
        return "levels are compared over points that are trained whole"
    if len(spec.objectives) > 1:
        return "it was measured with a single objective"
    if spec.racing:
        return "racing ends points by itself"
    if not _has_second_epoch(spec):
        return "trials aren't known to have a second epoch, which could be saved"
    return ""


def _has_second_epoch(spec: StudySpec) -> bool:
    """Whether trainings are known, before they run, to have more than one epoch."""
    if "epochs" in spec.space.paths():
        return True
    try:
        length = spec.training(spec.space.complete({})).length
    except SpecError:  # these values make no training together, and others may
        return False
    return (length or 1) > 1


def _option_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
