"""How far a study is, read from its folder alone: no driver, no Ray and no cluster is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from study.errors import StudyError
from study.files.layout import StudyPaths, studies_in
from study.files.lock import lock_holder
from study.files.storage import StoragePath
from study.inspection.format import count_text, time_text
from study.results.summary.summary import Summary
from study.results.summary.summary_file import read_summary

if TYPE_CHECKING:
    from study.journal.history import History
    from study.spec.spec import StudySpec


def status_of(paths: StudyPaths) -> dict[str, Any]:
    """Return a study's status as plain data, for JSON."""
    from study.journal.replay import read_history  # which a list of summaries does without
    from study.journal.spec_versions import recorded_spec

    history = read_history(paths.journal)
    spec = recorded_spec(paths, history)
    return status_from(paths, history, spec, lock_holder(paths.lock))


def status_from(
    paths: StudyPaths, history: History, spec: StudySpec, driver: str
) -> dict[str, Any]:
    """Return the status of a study that was read; ``driver`` says who drives it, if anybody."""
    from study.results.summary.making import summary_of

    return status_by(paths, summary_of(history, spec), history, driver)


def status_by_summary(paths: StudyPaths, summary: Summary) -> dict[str, Any]:
    """Return the status of a study that nobody drives, of which no more is known."""
    return _status(paths, summary, "", [])


def status_by(paths: StudyPaths, summary: Summary, history: History, driver: str) -> dict[str, Any]:
    """Return the status of a study of which ``summary`` was made."""
    return _status(paths, summary, driver, _running_trials(history) if driver else [])


def _running_trials(history: History) -> list[dict[str, int]]:
    return [
        {"trial": trial.number, "point": trial.point, "epoch": trial.epochs}
        for trial in history.trials
        if trial.is_in_flight
    ]


def _status(
    paths: StudyPaths, summary: Summary, driver: str, running: list[dict[str, int]]
) -> dict[str, Any]:
    goes_on = summary.goes_on and not driver
    return {
        "study": paths.name,
        "folder": str(paths.folder),
        "state": "running" if driver else summary.state,
        "resume": paths.command("resume") if goes_on else None,
        "driver": driver,
        "points": summary.points,
        "of": summary.of,
        "added": summary.added,
        "dropped": summary.dropped,
        "states": summary.states,
        "trials": summary.trials,
        "epochs": summary.epochs,
        "running": running,
        "share": share_of(paths) if driver else None,
        "objective": summary.objective,
        "best": summary.best,
        "best_standing": summary.best_standing,
        "best_fresh": summary.best_fresh,
        "best_point": summary.best_point,
        "best_values": summary.best_values,
        "money": summary.money,
        "lost_money": summary.lost_money,
        "unpriced_hours": summary.unpriced_hours,
        "currency": summary.currency,
        "spend": summary.spend,
        "sessions": summary.sessions,
        "updated": None if summary.last_event_at is None else time_text(summary.last_event_at),
    }


def share_of(paths: StudyPaths) -> dict[str, Any] | None:
    """Return a running study's share of the cluster that it is on, and how many trials it has and
    wants there, as its driver has left it; None where it has a Ray of its own.
    """
    from study.execution.live_progress import read_live  # which a study at rest does without

    seen = read_live(paths).share
    if seen is None:
        return None
    since = None if seen.waits_since is None else time_text(seen.waits_since)
    return {**asdict(seen), "waits_since": since}


def overview(storage: StoragePath) -> list[dict[str, Any]]:
    """Return the status of every study in a storage; of one that can't be read, its fault.

    Of a study whose folder has a summary of its journal, the journal isn't read.
    """
    return [_status_or_fault(paths) for paths in studies_in(storage)]


def _status_or_fault(paths: StudyPaths) -> dict[str, Any]:
    try:
        paths.check_plain()
        driver = lock_holder(paths.lock)
        stored = None if driver else read_summary(paths)
        return status_by_summary(paths, stored.summary) if stored else status_of(paths)
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
    if status["share"]:
        lines.append(f"  share    {share_text(status['share'])}")
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


def share_text(share: Mapping[str, Any]) -> str:
    """Say what a study has of its cluster, and what it waits for."""
    text = f"{share['share']:g}: holds {count_text(share['holds'], 'trial')}"
    if share["part"] is not None:
        text += f" of the {share['part']} that it may"
    if share["waits_since"]:
        text += f"; {share['wants'] - share['holds']} wait since {share['waits_since']}"
    return text


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
    from study.spec.parts.tariff import money_text

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
    from study.journal.ranking import CONFIRMED, PARTIAL

    value = f"{status['best']:.4g}"
    if status.get("best_standing") == CONFIRMED:
        value = f"{status['best_fresh']:.4g} on fresh seeds ({value} in the search)"
    elif status.get("best_standing") == PARTIAL:
        value += " (on a part of its seeds)"
    settings = [f"{path}={_value_text(setting)}" for path, setting in status["best_values"].items()]
    return f"{status['objective']} {value} at point {status['best_point']}: {' '.join(settings)}"


def _value_text(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
