"""What a study cost, how long it takes to reach a target, and what failed."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from analysis import statistics
from analysis.levels import is_level, levels_of, scientific, text_of
from analysis.query import Results
from analysis.schema import minimized
from analysis.statistics import Estimate
from analysis.table import Cell, Header, Table, table
from analysis.views import cell, complete, goal, metric_mean, search, setting_headers, settings

HOUR = 3600.0
COST_STATES = ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING")


def cost(results: Results) -> Table:
    """Where the time went, by the trials' states; work repeated after interruptions stands apart."""
    trials = results.trials
    repeated = trials["repeated_seconds"]
    kept = trials["wall_seconds"] - repeated
    parts: list[tuple[str, pd.DataFrame, pd.Series[float]]] = [
        (state, trials[trials["state"] == state], kept[trials["state"] == state]) for state in COST_STATES
    ]
    parts.append(("repeated after an interruption", trials[repeated > 0], repeated[repeated > 0]))
    parts.append(("all", trials, trials["wall_seconds"]))
    total = float(trials["wall_seconds"].sum())
    scale, unit = (HOUR, "h") if total >= HOUR else (1.0, "s")
    rows: list[list[Cell]] = []
    for name, rows_of_part, wall in parts:
        if not len(rows_of_part):
            continue
        share = wall / rows_of_part["wall_seconds"].where(rows_of_part["wall_seconds"] > 0)
        rows.append(
            [
                name,
                len(rows_of_part),
                int(rows_of_part["epochs"].sum()),
                float(wall.sum()) / scale,
                float((rows_of_part["cpu_seconds"] * share).sum()) / scale,
                float((rows_of_part["gpu_seconds"] * share).sum()) / scale,
                float(wall.sum()) / total if total else None,
            ]
        )
    headers = [
        Header("state"),
        Header("trials"),
        Header("epochs"),
        Header("trial time", unit, 1),
        Header("CPU time", unit, 1),
        Header("GPU time", unit, 1),
        Header("share", digits=3),
    ]
    notes = ["The time that trials held their worker, times the cores or the share of a GPU reserved for them."]
    return table("Cost", headers, rows, [*notes, f"From the first point to the last record: {span(results)}."])


def span(results: Results) -> str:
    """The studies' time from beginning to end, driver's absence included."""
    begin, end = results.points["asked"].min(), results.trials["ended"].max()
    return "nothing yet" if pd.isna(begin) or pd.isna(end) else duration((end - begin).total_seconds())


def duration(seconds: float) -> str:
    """``2 h 05 min``, ``3 min 20 s``, ``12.5 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60:02d} min"


def time_to_target(results: Results, metric: str = "", target: float | None = None) -> Table:
    """Kaplan-Meier medians of the time to a target: trials that never got there are censored, not dropped."""
    name = metric or goal(results).metric
    value = default_target(results, name) if target is None else target
    times = time_to(results, name, value)
    factor = scientific(results)
    levels = levels_of(results, times, factor) if factor else []
    groups = [(text_of(level), times[is_level(times, factor, level)]) for level in levels] + [("all", times)]
    rows: list[list[Cell]] = []
    for level, group in groups:
        reached = [bool(flag) for flag in group["reached"]]
        rows.append(
            [
                level,
                len(group),
                sum(reached),
                statistics.median_time(group["epochs_to"], reached) if reached else None,
                statistics.median_time(group["seconds_to"], reached) if reached else None,
            ]
        )
    headers = [
        Header(factor or "study"),
        Header("trials"),
        Header("reached"),
        Header("median epochs", digits=0),
        Header("median seconds", "s", 1),
    ]
    sense = "≤" if minimized(name) else "≥"
    note = "Trials that ended, were pruned or failed before it count up to their last epoch (Kaplan-Meier)."
    return table(f"Time to {name} {sense} {value:.4g}", headers, rows, [note, "∞: half of the trials never get there."])


def default_target(results: Results, metric: str) -> float:
    """The study's own target, else what half of the complete trials reach."""
    targets = [study.spec.stop.target for study in results.studies if study.spec.stop.target is not None]
    if targets and metric == goal(results).metric:
        return targets[0]
    best = complete(search(results.trials)).get(f"{metric}_best")
    return float(best.median()) if best is not None and best.notna().any() else float("nan")


def time_to(results: Results, metric: str, value: float) -> pd.DataFrame:
    """For each trial: whether it reached the value, and the epochs and seconds to there or to its end."""
    epochs = results.epochs
    figures = epochs[metric].astype(float)
    hit = figures <= value if minimized(metric) else figures >= value
    keys = ["study", "trial"]
    first = epochs[hit].groupby(keys)[["epoch", "seconds"]].first().add_suffix("_hit")
    last = epochs.groupby(keys)[["epoch", "seconds"]].last()
    times = last.join(first)
    times["reached"] = times["epoch_hit"].notna()
    times["epochs_to"] = times["epoch_hit"].fillna(times["epoch"]).astype(float)
    times["seconds_to"] = times["seconds_hit"].fillna(times["seconds"]).astype(float)
    columns = ["reached", "epochs_to", "seconds_to"]
    trials = search(results.trials).merge(times[columns].reset_index(), on=keys, how="left")
    trials["reached"] = trials["reached"].eq(True)
    return trials.fillna({"epochs_to": 0.0, "seconds_to": 0.0})


def failures(results: Results) -> Table:
    """Every failure of every attempt, those that a retry mended included."""
    names = settings(results)
    points = results.points.set_index(["study", "point"])
    rows = []
    for study in results.studies:
        if not trouble(results.only(study.name).trials):
            continue
        for trial in study.history.trials:
            for attempt in trial.attempts:
                if attempt.failure is None:
                    continue
                point: Any = points.loc[(study.name, trial.point)]
                rows.append(
                    [
                        study.name if len(results.studies) > 1 else None,
                        trial.number,
                        trial.point,
                        attempt.number,
                        attempt.failure.get("class"),
                        attempt.failure.get("message"),
                        details(attempt.failure.get("details")),
                        attempt.device,
                        "ended it" if trial.state == "FAIL" and attempt is trial.attempts[-1] else "tried again",
                        *(cell(point[name]) for name in names),
                    ]
                )
    headers = [
        Header("study"),
        Header("trial"),
        Header("point"),
        Header("attempt"),
        Header("class"),
        Header("message"),
        Header("details"),
        Header("device"),
        Header("outcome"),
        *setting_headers(names),
    ]
    return table("Failures", headers, rows, [] if rows else ["Nothing failed."])


def trouble(trials: pd.DataFrame) -> bool:
    """Whether any attempt can have failed: a trial that did, or one that was taken up again."""
    return bool((trials["state"] == "FAIL").any() or (trials["attempts"] > 1).any())


def details(found: Any) -> Cell:
    """What a failure's details say on one line; `study logs` has the traceback."""
    if not isinstance(found, dict):
        return None
    return ", ".join(f"{key} {json.dumps(value)}" for key, value in found.items() if key != "traceback")


def hours(results: Results, column: str = "wall_seconds") -> float:
    return float(results.trials[column].sum()) / HOUR


def total(results: Results, column: str) -> Estimate:
    """A column's mean over the complete trials of the search, with its interval."""
    return metric_mean(complete(search(results.trials))[column], column)
