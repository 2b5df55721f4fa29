"""An account of a study's decisions as plain data, for the report and for whoever shows a study."""

from __future__ import annotations

from typing import Any, TypedDict

from study.files.layout import StudyPaths
from study.inspection.decisions.explain.explain import Explanations
from study.inspection.decisions.replay.saving import saving_sentence

MOST_SHOWN = 200
"""So many stops, and so many proposals, are explained: ``study explain`` does each."""
FIRST, LATEST = "first", "latest"


class Account(TypedDict):
    """Explanations as ``study explain --format json`` gives them, and a sentence."""

    which: str
    """FIRST or LATEST: which are explained where there are too many."""
    stops: list[dict[str, Any]]
    proposals: list[dict[str, Any]]
    stop_count: int
    """How many stops there are."""
    point_count: int
    saving: str
    """Under which pruner the same winner would have cost less; empty where none is sure."""


def account_of(paths: StudyPaths) -> Account:
    """Explain a study's decisions, the first ones where there are many."""
    explanations = Explanations(paths)
    stopped = explanations.stopped()
    stops = explanations.stops(only=frozenset(stopped[:MOST_SHOWN]))
    proposals = explanations.proposals(MOST_SHOWN)
    return {
        "which": FIRST,
        "stops": [stops[number].tree() for number in sorted(stops)],
        "proposals": [proposal.tree() for proposal in proposals],
        "stop_count": len(stopped),
        "point_count": len(explanations.history.points),
        "saving": saving_sentence(explanations.history, explanations.spec),
    }
