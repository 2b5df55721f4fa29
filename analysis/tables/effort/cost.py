"""What a study cost: the time that trials held their workers, by what became of it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from study.journal.trials import STATES

SECONDS_AN_HOUR = 3600.0
_CONFIRM = "confirm"


def cost_table(results: Frames) -> Table:
    """Return where the time went, in hours or seconds of workers, cores and GPUs.

    The rows are the search by its trials' states, the confirmation, points that were dropped, work
    repeated after interruptions, and all together.
    """
    whole = results.with_dropped()
    trials = whole.trials
    total = float(trials["wall_seconds"].sum())
    in_hours = total >= SECONDS_AN_HOUR
    scale, unit = (SECONDS_AN_HOUR, "h") if in_hours else (1.0, "s")
    rows = [_cost_row(part, total, scale) for part in _parts_of(trials) if len(part.trials)]
    headers = [
        Header("state"),
        Header("trials"),
        Header("epochs"),
        Header("trial time", unit, 1),
        Header("CPU time", unit, 1, short="CPU time reserved"),
        Header("GPU time", unit, 1, short="GPU time reserved"),
        Header("share", digits=3),
        Header("money", currency_of(trials) or "", 4),
    ]
    notes = [
        "The time that trials held their worker, times the cores or the share of a GPU reserved for"
        " them."
    ]
    if (trials["kind"] == _CONFIRM).any():
        notes.append(
            "The states are those of the search's trials; confirmation: those on fresh seeds, in"
            " any state."
        )
    if has_money(trials):
        notes.append(
            "Money: by the prices of their time, from when a worker took an attempt up; repeated"
            " work stands apart."
        )
    notes.append(f"From the first point to the last record: {_span_text(whole)}.")
    return make_table("Cost", headers, rows, notes)


@dataclass(frozen=True)
class _Part:
    """A part of a study's cost: trials, and the seconds of theirs that belong to it."""

    name: str
    trials: pd.DataFrame
    seconds: pd.Series[float]
    money: pd.Series[float]
    epochs: int | None
    """None where they are counted in another part."""


def _parts_of(trials: pd.DataFrame) -> list[_Part]:
    """Return the parts of the cost, and at last their sum."""
    wall = trials["wall_seconds"]
    repeated = trials["repeated_seconds"]
    once = wall - repeated
    dropped = trials["dropped"].astype(bool)
    is_confirmation = (trials["kind"] == _CONFIRM) & ~dropped
    money = _money_of(trials, "money")
    lost_money = _money_of(trials, "lost_money")
    money_once = money - lost_money
    chosen = {state: ~is_confirmation & ~dropped & (trials["state"] == state) for state in STATES}
    chosen |= {"confirmation": is_confirmation, "dropped": dropped}
    parts = [
        _Part(name, trials[these], once[these], money_once[these], _epochs_of(trials[these]))
        for name, these in chosen.items()
    ]
    has_repeated = repeated > 0
    parts.append(
        _Part(
            "repeated after an interruption",
            trials[has_repeated],
            repeated[has_repeated],
            lost_money[has_repeated],
            epochs=None,
        )
    )
    parts.append(_Part("all", trials, wall, money, _epochs_of(trials)))
    return parts


def _epochs_of(trials: pd.DataFrame) -> int:
    return int(trials["epochs"].sum())


def _money_of(trials: pd.DataFrame, column: str) -> pd.Series[float]:
    """Return a column of money, of which there is none where trials were paid in several."""
    money = trials[column].astype(float)
    return money if has_money(trials) else money * float("nan")


def has_money(trials: pd.DataFrame) -> bool:
    """Return whether trials have a bill that can be added up: prices, in one currency."""
    priced = trials[trials["money"].notna()]
    return len(priced) > 0 and priced["currency"].nunique(dropna=False) == 1


def currency_of(trials: pd.DataFrame) -> str | None:
    """Return what trials were paid in; None where nothing names it."""
    named = trials["currency"].dropna().unique()
    return str(named[0]) if has_money(trials) and len(named) else None


def _cost_row(part: _Part, total: float, scale: float) -> list[Cell]:
    """Return a part's row; ``total`` are all seconds, ``scale`` the seconds of the unit shown."""
    trials = part.trials
    seconds = float(part.seconds.sum())
    # of a trial's cores and GPU, the part has the share that it has of the trial's time
    share = part.seconds / trials["wall_seconds"].where(trials["wall_seconds"] > 0)
    cpu_seconds = float((trials["cpu_seconds"] * share).sum())
    gpu_seconds = float((trials["gpu_seconds"] * share).sum())
    return [
        part.name,
        len(trials),
        part.epochs,
        seconds / scale,
        cpu_seconds / scale,
        gpu_seconds / scale,
        seconds / total if total else None,
        float(part.money.sum()) if part.money.notna().any() else None,
    ]


def _span_text(results: Frames) -> str:
    """Return the studies' time from beginning to end, in which no driver need have run."""
    begin = results.points["asked"].min()
    end = results.trials["ended"].max()
    if pd.isna(begin) or pd.isna(end):
        return "nothing yet"
    return duration_text((end - begin).total_seconds())


def duration_text(seconds: float) -> str:
    """Return a time as a reader says it: ``2 h 05 min``, ``3 min 20 s``, ``12.5 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60:,} h {minutes % 60:02d} min"


def total_hours(results: Frames, column: str = "wall_seconds") -> float:
    """Return the sum of a column of seconds over all trials, in hours."""
    return float(results.with_dropped().trials[column].sum()) / SECONDS_AN_HOUR
