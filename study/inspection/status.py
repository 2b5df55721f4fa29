"""How far a study is, read from its folder alone: no driver, no Ray and no cluster is needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from study.errors import StudyError
from study.files.layout import StudyPaths, studies_in
from study.files.lock import lock_holder
from study.files.storage import StoragePath
from study.inspection.format import time_text
from study.journal.history import History
from study.journal.ranking import (
    CONFIRMED,
    PARTIAL,
    best_point,
    fresh_value,
    is_confirmation_over,
    standing,
)
from study.journal.replay import read_history
from study.journal.spec_versions import recorded_spec
from study.results.bill import bill_of
from study.spec.parts.tariff import money_text
from study.spec.spec import StudySpec

_SECONDS_AN_HOUR = 3600
_NOT_TO_RESUME = ("running", "target", "failures", "halted")
"""States in which `study resume` by itself does nothing, or would only fail again."""


def status_of(paths: StudyPaths) -> dict[str, Any]:
    """Return a study's status as plain data, for JSON."""
    history = read_history(paths.journal)
    spec = recorded_spec(paths, history)
    return status_from(paths, history, spec, lock_holder(paths.lock))


def status_from(
    paths: StudyPaths, history: History, spec: StudySpec, driver: str
) -> dict[str, Any]:
    """Return the status of a study that was read; ``driver`` says who drives it, if anybody."""
    states = Counter(point.state for point in history.points if not point.is_dropped)
    last_session = history.sessions[-1] if history.sessions else None
    state = _study_state(history, driver)
    return {
        "study": paths.name,
        "folder": str(paths.folder),
        "state": state,
        "resume": paths.command("resume") if _goes_on(history, spec, state) else None,
        "driver": driver,
        "points": len(history.points),
        "of": spec.points,
        "added": history.user_points,
        "dropped": sum(point.is_dropped for point in history.points),
        "states": dict(sorted(states.items())),
        "trials": len(history.trials),
        "epochs": sum(trial.epochs for trial in history.trials),
        "running": _running_trials(history) if driver else [],
        "objective": spec.objectives[0].metric,
        **_best(history, spec),
        **_money(history, spec),
        "sessions": len(history.sessions),
        "updated": time_text(last_session.last_event_at) if last_session else None,
    }


def _goes_on(history: History, spec: StudySpec, state: str) -> bool:
    """Return whether `study resume` finds something to do: a complete study may have got more."""
    if state != "complete":
        return state not in _NOT_TO_RESUME
    is_open = any(not point.has_ended for point in history.points if not point.is_dropped)
    is_over = is_confirmation_over(history.points, spec, whole_seeds=history.whole_seeds)
    return is_open or not is_over


def _study_state(history: History, driver: str) -> str:
    if driver:
        return "running"
    if not history.sessions:
        return "new"
    return history.sessions[-1].reason or "interrupted"


def _running_trials(history: History) -> list[dict[str, int]]:
    return [
        {"trial": trial.number, "point": trial.point, "epoch": trial.epochs}
        for trial in history.trials
        if trial.is_in_flight
    ]


def _best(history: History, spec: StudySpec) -> dict[str, Any]:
    """Return the best point's part of a status."""
    best = best_point(history.points, spec, whole_seeds=history.whole_seeds)
    if best is None:
        blank = ("best", "best_standing", "best_fresh", "best_point")
        return {**dict.fromkeys(blank), "best_values": {}}
    confirmed = is_confirmation_over(history.points, spec, whole_seeds=history.whole_seeds)
    place = standing(best, spec, confirmed=confirmed)
    return {
        "best": best.first_value,
        "best_standing": place.name if place else None,
        "best_fresh": fresh_value(best, spec),
        "best_point": best.number,
        "best_values": best.values,
    }


def _money(history: History, spec: StudySpec) -> dict[str, Any]:
    """Return what the study has cost so far; null without prices."""
    bill = bill_of(history)
    return {
        "money": bill.money if bill else None,
        "lost_money": bill.lost if bill else None,
        "unpriced_hours": bill.unpriced_s / _SECONDS_AN_HOUR if bill else None,
        "currency": (bill.currency or None) if bill else None,
        "spend": spec.stop.spend,
    }


def overview(storage: StoragePath) -> list[dict[str, Any]]:
    """Return the status of every study in a storage; of one that can't be read, its fault."""
    return [_status_or_fault(paths) for paths in studies_in(storage)]


def _status_or_fault(paths: StudyPaths) -> dict[str, Any]:
    try:
        paths.check_plain()
        return status_of(paths)
    except (StudyError, OSError) as error:
        blank = dict.fromkeys(("points", "of", "best", "updated"))
        state = f"damaged: {str(error).splitlines()[0]}"
        return {"study": paths.name, "folder": str(paths.folder), "state": state, **blank}


def status_text(status: dict[str, Any]) -> str:
    """Return a status as a few lines."""
    if "states" not in status:
        return f"{status['study']}: {status['state']}"
    driver = f" (driven by {status['driver']})" if status["driver"] else ""
    lines = [
        f"{status['study']}: {status['state']}{driver}",
        f"  points   {_points_text(status)}",
        f"  trials   {status['trials']}, {status['epochs']} epochs",
    ]
    if status["best"] is not None:
        lines.append(f"  best     {_best_text(status)}")
    if status["money"] is not None:
        lines.append(f"  money    {spent_text(status)}")
    for running in status["running"]:
        lines.append(
            f"  running  trial {running['trial']} (point {running['point']}) after epoch"
            f" {running['epoch']}"
        )
    if status.get("resume"):
        lines.append(f"  go on    {status['resume']}")
    if "job" in status:
        lines.append(f"  job      {status['job']}, {status['job_state']}")
    if status["updated"]:
        lines.append(f"  updated  {status['updated']}")
    return "\n".join(lines)


def _points_text(status: dict[str, Any]) -> str:
    """Say how many points there are of those asked for, how many a user added, and their states."""
    added = status.get("added") or 0
    text = f"{status['points'] - added} of {status['of']}"
    if added:
        text += f", and {added} added"
    if status["states"]:
        counts = [
            f"{count} {_state_word(state, status['driver'])}"
            for state, count in status["states"].items()
        ]
        text += f": {', '.join(counts)}"
    if status.get("dropped"):
        text += f"; {status['dropped']} dropped"
    return text


def spent_text(status: Mapping[str, Any]) -> str:
    """Say what was spent, of how much, and what of it was lost; there are prices."""
    currency = status["currency"] or ""
    text = money_text(status["money"], currency)
    if status["spend"] is not None:
        text += f" of {money_text(status['spend'], currency)}"
    if status["lost_money"]:
        text += f", {money_text(status['lost_money'], currency)} of it for work done again"
    if status["unpriced_hours"]:
        text += f"; {status['unpriced_hours']:.2f} h of trials were before there were prices"
    return text


def _state_word(state: str, driver: str) -> str:
    """Return a point's state for a reader: without a driver nothing runs."""
    return "interrupted" if state == "RUNNING" and not driver else state


def _best_text(status: dict[str, Any]) -> str:
    """Say how good the best point is, by which of its seeds, and what it is."""
    value = f"{status['best']:.4g}"
    if status.get("best_standing") == CONFIRMED:
        value = f"{status['best_fresh']:.4g} on fresh seeds ({value} in the search)"
    elif status.get("best_standing") == PARTIAL:
        value += " (on a part of its seeds)"
    settings = [f"{path}={_value_text(setting)}" for path, setting in status["best_values"].items()]
    return f"{status['objective']} {value} at point {status['best_point']}: {' '.join(settings)}"


def _value_text(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
