"""The published figures that the study file names, beside ours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.frames import Frames, Study
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.curves import epoch_rows_of
from analysis.selection.figures import mean_over_seeds
from analysis.selection.trials import (
    STEERED_NOTE,
    TRIAL_KEY,
    counted_trials,
    has_several_studies,
    is_steered_by_test_set,
    search_trials,
)
from analysis.statistics import Estimate, predicted_difference
from analysis.tables.published.differences import changed_settings, unlike_notes

_NOT_METRICS = {"epoch", "end", "label", "seconds", "epoch_seconds", "extrapolated", "note"}
_DIFFERENCE = (
    "difference: ours less the published figure. ratio of seconds: ours over the published,"
    " which are those of the source's hardware. Both stand only where our training has"
    " reached the published epoch."
)
_ONE_RUN = (
    "Intervals of differences and ratios hold for a published figure of one run, as noisy as ours:"
    " over two seeds and more they leave out zero (a ratio's: 1) in 5 % of cases where the source's"
    " training and ours are the same."
)


def published_table(results: Frames) -> Table:
    """Return each published figure beside ours: differences, ratios of seconds, what differs.

    Our figures are means over seeds with their intervals.
    """
    several = has_several_studies(results)
    rows: list[list[Cell]] = []
    for study in results.studies:
        own = results.only(study.name)
        name = study.name if several else None
        for entry, first in enumerate(study.spec.first):
            for milestone in first.published:
                for row in _published_rows(own, study, entry, milestone):
                    rows.append([name, entry, *row])
    headers = [
        Header("study"),
        Header("first"),
        Header("epoch"),
        Header("figure"),
        Header("published", digits=4),
        Header("ours", digits=4),
        Header("our epoch"),
        Header("seeds"),
        Header("difference", digits=4, signed=True),
        Header("published seconds", "s", 1),
        Header("our seconds", "s", 1),
        Header("ratio of seconds", digits=3),
        Header("note"),
    ]
    notes: list[str] = []
    for study in results.studies:
        notes += unlike_notes(study)
    unlike = ", which were trained with other settings" if notes else ""
    if rows:
        for study in results.studies:
            notes += _entry_notes(study, several)
        notes += [_DIFFERENCE, _ONE_RUN]
    else:
        notes.append("No published figures stand in the study file.")
    if is_steered_by_test_set(results):
        notes.append(STEERED_NOTE)
    return make_table(f"Published figures and ours{unlike}", headers, rows, notes)


@dataclass(frozen=True)
class _Ours:
    """Our rows that stand beside a published one, and at which epoch they are."""

    rows: pd.DataFrame
    trials: pd.DataFrame
    epoch: int | str
    """Which one; from the first to the last where the seeds have ended at different ones."""
    reached: bool
    """They are at the epoch that was asked for."""
    ended: bool
    """They are at the trials' end, so that what was measured there belongs to them."""

    def figure(self, metric: str) -> _Figure | None:
        """Return the figure over seeds; of validation images where there is none of test images."""
        sources = [(self.rows, metric)]
        if self.ended:
            sources.append((self.trials, metric))
        stand_in = metric.replace("test_", "val_", 1)
        sources.append((self.rows, stand_in))
        for rows, name in sources:
            estimate = mean_over_seeds(rows, name)
            if estimate is not None:
                remark = "" if name == metric else f"ours is {stand_in}"
                return _Figure(estimate, rows[name], remark)
        return None


@dataclass(frozen=True)
class _Figure:
    """One figure of ours over seeds, and a remark where it is no counterpart of the published."""

    estimate: Estimate
    seeds: pd.Series[float]
    remark: str

    def less(self, theirs: Any) -> Estimate | None:
        """Return ours less the published figure, which is that of one run, as noisy as ours."""
        if not isinstance(theirs, int | float):
            return None
        return predicted_difference(self.seeds, theirs)


def _published_rows(
    results: Frames, study: Study, entry: int, milestone: Mapping[str, Any]
) -> list[list[Cell]]:
    """Return one row for each figure of a published milestone.

    The seconds, and remarks on the milestone, stand in the first.
    """
    ours = _ours_at(results, entry, milestone)
    label = str(milestone.get("label", milestone.get("epoch", "end")))
    differing = list(_differing(study, entry, ours))
    metrics = [name for name in milestone if name not in _NOT_METRICS] or [""]
    rows = []
    for position, metric in enumerate(metrics):
        is_first = position == 0
        remarks = [*differing, *(_remarks(milestone) if is_first else ())]
        seconds = _seconds_cells(milestone, ours) if is_first else [None, None, None]
        figure = _figure_cells(milestone, metric, ours)
        found = ours.figure(metric) if metric else None
        if found and found.remark:
            remarks.insert(0, found.remark)
        rows.append([label, *figure, *seconds, "; ".join(remarks) or None])
    return rows


def _figure_cells(milestone: Mapping[str, Any], metric: str, ours: _Ours) -> list[Cell]:
    """Return a figure's name, the published one, ours, our epoch, our seeds, and the difference."""
    theirs = milestone.get(metric)
    figure = ours.figure(metric) if metric else None
    if figure is None:
        return [metric or None, theirs, None, None, None, None]
    difference = figure.less(theirs) if ours.reached else None
    return [metric, theirs, figure.estimate, ours.epoch, figure.estimate.n, difference]


def _ours_at(results: Frames, entry: int, milestone: Mapping[str, Any]) -> _Ours:
    """Return our rows at the milestone's epoch; at our last one where that was not reached."""
    trials = _trials_beside(results, entry)
    rows = epoch_rows_of(results, trials)
    done = int(trials["epochs"].min()) if len(trials) else 0
    longest = int(trials["epochs"].max()) if len(trials) else 0
    ended = len(trials) > 0 and bool((trials["state"] == "COMPLETE").all())
    asked = milestone.get("epoch")
    if not isinstance(asked, int):  # the milestone is the training's end
        last = rows[rows["epoch"] == rows.groupby(TRIAL_KEY)["epoch"].transform("max")]
        epochs = done if done == longest else f"{done} to {longest}"
        return _Ours(last, trials, epochs, reached=ended, ended=ended)
    epoch = min(asked, done)
    at_epoch = rows[rows["epoch"] == epoch]
    at_end = ended and epoch == longest
    return _Ours(at_epoch, trials, epoch, reached=done >= asked, ended=at_end)


def _trials_beside(results: Frames, entry: int) -> pd.DataFrame:
    """Return the trials of an entry of ``first:`` that its value is of.

    Where it has none, those of the search with an epoch.
    """
    trials = results.trials[results.trials["entry"] == entry]
    with_value = counted_trials(trials)
    return with_value if len(with_value) else search_trials(trials[trials["epochs"] > 0])


def _epoch_seconds(rows: pd.DataFrame) -> pd.Series[float]:
    """Return what the epoch of each row took, where training and evaluation were timed."""
    if "train_seconds" not in rows:
        return pd.Series(dtype=float)
    return (rows["train_seconds"] + rows["eval_seconds"]).dropna()


def _seconds_cells(milestone: Mapping[str, Any], ours: _Ours) -> list[Cell]:
    """Return the published seconds, ours, and ours over theirs.

    They are the epoch's where only that is published.
    """
    theirs = milestone.get("seconds", milestone.get("epoch_seconds"))
    if theirs is None or not len(ours.rows):
        return [theirs, None, None]
    is_cumulative = "seconds" in milestone
    seconds = ours.rows["seconds"].dropna() if is_cumulative else _epoch_seconds(ours.rows)
    if not len(seconds):
        return [theirs, None, None]
    return [theirs, float(seconds.mean()), _ratio(seconds, theirs) if ours.reached else None]


def _ratio(ours: pd.Series[float], theirs: float) -> Estimate | None:
    """Return our seconds over theirs, in the geometric mean; None where either holds no time.

    As of the figures, the interval takes theirs to be of one run.
    """
    if theirs <= 0 or (ours <= 0).any():
        return None
    found = predicted_difference(np.log(ours.astype(float)), math.log(theirs))
    value, low, high = math.exp(found.value), math.exp(found.low), math.exp(found.high)
    return Estimate(value, low, high, found.n, found.level)


def _differing(study: Study, entry: int, ours: _Ours) -> Iterable[str]:
    """Yield in what our training is not the published one."""
    if not len(ours.trials):
        yield "not run"
    elif not len(ours.rows):
        yield "no epoch done"
    elif not ours.reached:
        yield "not reached"
    if changed_settings(study.spec, entry):
        yield "other settings"
    if len(ours.trials):
        for text in sorted(set(ours.trials["substitutions"].dropna())):
            yield f"settings differ by a retry: {text}"


def _remarks(milestone: Mapping[str, Any]) -> Iterable[str]:
    """Yield what there is to say of a published milestone."""
    if milestone.get("note"):
        yield milestone["note"]
    if "epoch_seconds" in milestone and "seconds" not in milestone:
        yield "seconds are of one epoch"
    if milestone.get("extrapolated"):
        yield "published seconds are extrapolated"


def _entry_notes(study: Study, named: bool) -> Iterable[str]:
    """Yield what each published entry of ``first:`` sets."""
    name = f"{study.name}, " if named else ""
    for entry, first in enumerate(study.spec.first):
        if first.published:
            settings = _settings_text(first.set) or "as the recipe says"
            yield f"{name}first {entry}: {settings}"


def _settings_text(tree: Mapping[str, Any], prefix: str = "") -> str:
    """Return what an entry of ``first:`` sets, on one line."""
    parts = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            parts.append(_settings_text(value, f"{prefix}{key}."))
        elif value is not None:
            parts.append(f"{prefix}{key}={value}".replace(".name=", "="))
    return ", ".join(part for part in parts if part)
