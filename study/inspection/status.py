"""How far a study is, read from its folder alone: no driver, no Ray and no cluster is needed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from study.errors import StudyError, UserError
from study.files.layout import StudyPaths, studies_in
from study.files.lock import lock_holder
from study.files.storage import StoragePath
from study.journal.event_codec import Record
from study.journal.events import event_of
from study.journal.history import History
from study.journal.journal import read_records
from study.journal.ranking import (
    CONFIRMED,
    PARTIAL,
    best_point,
    fresh_value,
    is_confirmed,
    standing,
)
from study.spec.load import load_spec
from study.spec.spec import StudySpec

_FOLLOW_S = 1.0


def status_of(paths: StudyPaths) -> dict[str, Any]:
    """A study's state as plain data."""
    spec = load_spec(paths.spec)
    history = History(read_records(paths.journal))
    points = Counter(point.state for point in history.points)
    best = best_point(history.points, spec, whole_seeds=history.whole_seeds)
    confirmed = is_confirmed(history.points, spec, whole_seeds=history.whole_seeds)
    place = standing(best, spec, confirmed=confirmed) if best else None
    last = history.sessions[-1] if history.sessions else None
    running = [trial for trial in history.trials if trial.is_in_flight]
    driver = lock_holder(paths.lock)
    return {
        "study": paths.name,
        "folder": str(paths.folder),
        "state": _state_of(history, driver),
        "driver": driver,
        "points": len(history.points),
        "of": spec.points,
        "added": history.user_points,
        "states": dict(sorted(points.items())),
        "trials": len(history.trials),
        "epochs": sum(trial.epochs for trial in history.trials),
        "running": (
            [{"trial": t.number, "point": t.point, "epoch": t.epochs} for t in running]
            if driver
            else []
        ),
        "objective": spec.objectives[0].metric,
        "best": best.first_value if best else None,
        "best_standing": place.name if place else None,
        "best_fresh": fresh_value(best, spec) if best else None,
        "best_point": best.number if best else None,
        "best_values": best.values if best else {},
        "sessions": len(history.sessions),
        "updated": clock(last.last_event_at) if last else None,
    }


def _state_of(history: History, driver: str) -> str:
    if driver:
        return "running"
    if not history.sessions:
        return "new"
    return history.sessions[-1].reason or "interrupted"


def overview(storage: StoragePath) -> list[dict[str, Any]]:
    """Every study in a storage; one that can't be read is told with its fault."""
    found = []
    for paths in studies_in(storage):
        try:
            found.append(status_of(paths))
        except StudyError as error:
            blank = dict.fromkeys(("points", "of", "best", "updated"))
            fault = str(error).splitlines()[0]
            found.append(
                {
                    "study": paths.name,
                    "folder": str(paths.folder),
                    "state": f"damaged: {fault}",
                    **blank,
                }
            )
    return found


def text_of(status: dict[str, Any]) -> str:
    """A status as a few lines."""
    if "states" not in status:
        return f"{status['study']}: {status['state']}"
    counts = ", ".join(f"{count} {state}" for state, count in status["states"].items())
    lines = [
        f"{status['study']}: {status['state']}"
        + (f" (driven by {status['driver']})" if status["driver"] else "")
    ]
    lines.append(f"  points   {_points_text(status)}" + (f": {counts}" if counts else ""))
    lines.append(f"  trials   {status['trials']}, {status['epochs']} epochs")
    if status["best"] is not None:
        values = " ".join(
            f"{path}={_short(value)}" for path, value in status["best_values"].items()
        )
        lines.append(
            f"  best     {status['objective']} {_best_text(status)} at point"
            f" {status['best_point']}: {values}"
        )
    lines += [
        f"  running  trial {one['trial']} (point {one['point']}) after epoch {one['epoch']}"
        for one in status["running"]
    ]
    if "job" in status:
        lines.append(f"  job      {status['job']}, {status['job_state']}")
    if status["updated"]:
        lines.append(f"  updated  {status['updated']}")
    return "\n".join(lines)


def _points_text(status: dict[str, Any]) -> str:
    """How many points there are of those that the study file asks for, and how many a user
    added.
    """
    added = status.get("added") or 0
    return f"{status['points'] - added} of {status['of']}" + (
        f", and {added} added" if added else ""
    )


def _best_text(status: dict[str, Any]) -> str:
    """The value of the best point, by what it is the best."""
    if status.get("best_standing") == CONFIRMED:
        return f"{status['best_fresh']:.4g} on fresh seeds ({status['best']:.4g} in the search)"
    partial = status.get("best_standing") == PARTIAL
    return f"{status['best']:.4g}" + (" (on a part of its seeds)" if partial else "")


def check_trial(paths: StudyPaths, trial: int) -> None:
    """UserError where the study has no trial of this number."""
    count = len(History(read_records(paths.journal)).trials)
    if not 0 <= trial < count:
        raise UserError(
            f"--trial must be a number below {count}, the trials of {paths.name}; found {trial}"
        )


def log_lines(paths: StudyPaths, trial: int | None) -> Iterator[str]:
    """The journal as lines for a reader, each failure followed by its traceback."""
    history, spec = History(), load_spec(paths.spec)
    for event in read_records(paths.journal):
        history.apply(event_of(event))
        if trial is None or event.get("trial") == trial:
            yield f"{clock(event['time'])}  {_event_text(event, spec)}"
            if event["event"] == "failed":
                failed = history.trials[event["trial"]]
                yield from _traceback_of(
                    paths.stderr(failed.point, failed.replicate, event["attempt"])
                )


def followed_lines(paths: StudyPaths, trial: int | None) -> Iterator[str]:
    """The same, and what comes, as long as somebody drives the study."""
    shown = 0
    while True:
        driven = bool(lock_holder(paths.lock))
        lines = list(log_lines(paths, trial))
        yield from lines[shown:]
        shown = len(lines)
        if not driven:
            return
        time.sleep(_FOLLOW_S)


def _traceback_of(path: StoragePath) -> Iterator[str]:
    if path.exists():
        yield from (f"    {line}" for line in path.read_text(errors="replace").splitlines())


def _event_text(event: Record, spec: StudySpec) -> str:
    """An event in words: what it is and the fields that a reader looks for."""
    hidden = {"event", "time", "provenance", "metrics", "summary", "params"}
    fields = {
        key: value
        for key, value in event.items()
        if key not in hidden and value not in (None, {}, "")
    }
    if event["event"] == "reported":
        fields |= {o.metric: event["metrics"].get(o.metric) for o in spec.objectives}
    return f"{event['event']}  " + "  ".join(
        f"{key} {_short(value)}" for key, value in fields.items()
    )


def _short(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
