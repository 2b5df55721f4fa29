"""One trial: what it is, how it went, what it printed, and why it was stopped."""

from __future__ import annotations

import threading
from dataclasses import asdict
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import web

from study.errors import StudyNotFound
from study.files.visible_text import visible
from study.inspection.decisions.explain.ends import EndExplanation, explain_end
from study.inspection.decisions.explain.explain import Explanations
from study.inspection.decisions.explain.proposals import Proposals
from study.inspection.decisions.explain.stops import StopExplanation
from study.inspection.event_log import log_lines
from study.journal.trials import Attempt, Point, Trial
from study.page.answers import data_answer, in_thread, page_answer, part, wants_data
from study.page.drawing.curves import Curve, curves_svg
from study.page.live.stream import mark_of
from study.page.live.study_parts import trial_mark
from study.page.readings.followed_study import FollowedStudy
from study.page.site import SITE
from study.results.attempts import wall_seconds
from study.results.bill import currency_of, trial_money

_MOST_CURVES = 6

Explained = StopExplanation | EndExplanation
_MOST_STOPS = 256
"""Explanations that are kept of a study."""
_STOPS: WeakKeyDictionary[FollowedStudy, dict[tuple[int, float | None], Explained]] = (
    WeakKeyDictionary()
)
_STOPS_LOCK = threading.Lock()


async def trial(request: web.Request) -> web.Response:
    """Answer with all that is known of a trial."""
    study = await _study(request)
    content = await in_thread(_content, study, part(request, "trial"))
    if wants_data(request):
        return data_answer(content)
    label, name = part(request, "label"), part(request, "name")
    known = mark_of(trial_mark(content["epochs"], content["state"]))
    more = {"label": label, "name": name, "curves": _curves(content), "known": known}
    return page_answer(request, "trial.html.j2", {**content, **more})


async def trial_log(request: web.Request) -> web.Response:
    """Answer with a trial's events, what it printed and its tracebacks, as ``study logs`` does."""
    study = await _study(request)
    text = await in_thread(_log_text, study, part(request, "trial"))
    return web.Response(text=text, content_type="text/plain")


async def _study(request: web.Request) -> FollowedStudy:
    library = request.app[SITE].library
    label, name = request.match_info["label"], request.match_info["name"]
    return await in_thread(library.study, label, name)


def trial_of(study: FollowedStudy, number: str) -> Trial:
    """Return a trial by its number; StudyNotFound where the study has none of that number."""
    trials = study.history.trials
    is_there = number.isascii() and number.isdigit() and len(number) < 10
    if not is_there or int(number) >= len(trials):
        raise StudyNotFound(f"{study.name} has no trial {number!r:.40}; it has {len(trials)}")
    return trials[int(number)]


def _log_text(study: FollowedStudy, number: str) -> str:
    with study.lock:
        study.read_on()
        shown = trial_of(study, number)
        study.paths.trial(shown.point, shown.replicate).check_plain()
    lines = log_lines(study.paths, shown.number)
    return "".join(f"{visible(line)}\n" for line in lines)


def _content(study: FollowedStudy, number: str) -> dict[str, Any]:
    with study.lock:
        study.read_on()
        shown = trial_of(study, number)
        has_ended = shown.has_ended
        point = study.history.points[shown.point]
        objective = study.spec.objectives[0]
        facts = {
            "study": study.name,
            "trial": shown.number,
            "point": shown.point,
            "replicate": shown.replicate,
            "seed": shown.seed,
            "kind": shown.kind,
            "state": shown.state,
            "trials": len(study.history.trials),
            "failure": _failure_of(shown),
            "epochs": shown.epochs,
            "trial_seconds": wall_seconds(study.history, shown),
            "money": trial_money(study.history, shown),
            "currency": currency_of(shown),
            "objective": objective.metric,
            "direction": objective.direction,
        }
        values = _values_of(study, point)
        attempts = [_attempt_tree(attempt) for attempt in shown.attempts]
        rows = [dict(row) for row in shown.rows]
        proposal = Proposals(study.history, study.spec).explain(shown.point)
        end = explain_end(shown) if has_ended else None
        is_judged = shown.state == "PRUNED" and shown.stopped_by == "pruner"
    stop = _stop(study, shown.number, shown.ended_at) if is_judged else end
    texts = [str(proposal), *([str(stop)] if stop is not None else [])]
    return {
        **facts,
        "values": values,
        "attempts": attempts,
        "rows": rows,
        "proposal": proposal.tree(),
        "end": stop.tree() if stop is not None else None,
        "explained": texts,
    }


def _stop(study: FollowedStudy, trial: int, ended_at: float | None) -> Explained:
    """Explain a stop by the pruner, for which the whole journal is walked; ``ended_at`` tells the
    trial's ends apart. Explanations are kept as long as the study is.
    """
    with _STOPS_LOCK:
        kept = _STOPS.setdefault(study, {})
    if (trial, ended_at) not in kept:
        if len(kept) >= _MOST_STOPS:
            kept.clear()
        kept[trial, ended_at] = Explanations(study.paths).of_trial(trial)
    return kept[trial, ended_at]


def _failure_of(trial: Trial) -> dict[str, Any] | None:
    failure = trial.failure
    return failure.to_record() if failure is not None else None


def _values_of(study: FollowedStudy, point: Point) -> dict[str, Any]:
    """Return the point's values by their paths."""
    return dict(point.values)


def _attempt_tree(attempt: Attempt) -> dict[str, Any]:
    tree = asdict(attempt)
    failure = attempt.failure
    tree["failure"] = failure.to_record() if failure is not None else None
    return tree


def _curves(content: dict[str, Any]) -> list[dict[str, str]]:
    """Draw the trial's curves: the objective first, then the losses and the other shares."""
    rows = content["rows"]
    names = _curve_names(rows, content["objective"])
    drawn = []
    for name in names:
        curve = Curve(name, [(row["epoch"], row.get(name)) for row in rows])
        drawn.append({"name": name, "svg": curves_svg([curve], f"{name} over epochs")})
    return drawn


def _curve_names(rows: list[dict[str, Any]], objective: str) -> list[str]:
    """Return the figures that are drawn: numbers of the rows that aren't places in time."""
    first: dict[str, Any] = rows[-1] if rows else {}
    named = [objective, *(name for name in first if name.endswith(("_loss", "_accuracy")))]
    return [name for name in dict.fromkeys(named) if name in first][:_MOST_CURVES]
