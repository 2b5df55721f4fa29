"""Why trials of a study were stopped and points proposed lately."""

from __future__ import annotations

from study.inspection.decisions.account import LATEST, Account
from study.inspection.decisions.explain.explain import Explanations, stopped_trials
from study.inspection.decisions.explain.proposals import Proposals
from study.page.readings.followed_study import FollowedStudy

_MOST = 30
"""So many stops, and so many proposals, are shown: the page of each trial has its own."""


def latest_decisions(study: FollowedStudy) -> Account:
    """Explain a study's latest decisions, the last one first.

    Of what was read of it already; for stops the whole journal is walked.
    """
    with study.lock:
        stopped = stopped_trials(study.history)
        count = len(study.history.points)
        explain = Proposals(study.history, study.spec).explain
        proposals = [explain(number).tree() for number in range(max(0, count - _MOST), count)]
    stops = Explanations(study.paths).stops(only=frozenset(stopped[-_MOST:])) if stopped else {}
    return {
        "which": LATEST,
        "stops": [stops[number].tree() for number in sorted(stops, reverse=True)],
        "proposals": proposals[::-1],
        "stop_count": len(stopped),
        "point_count": count,
        "saving": "",
    }
