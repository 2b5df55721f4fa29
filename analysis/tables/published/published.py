"""The published figures beside ours."""

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
    counted_trials,
    has_several_studies,
    search_trials,
)
from analysis.statistics import Estimate, predicted_difference
from analysis.tables.published.differences import changed_settings, unlike_notes

_NOT_METRICS = {"epoch", "end", "label", "seconds", "epoch_seconds", "extrapolated", "note"}
_ONE_RUN = (
    "Intervals of differences and ratios hold for a published figure of one run, as noisy as ours:"
    " over two seeds and more they leave out zero (a ratio's: 1) in 5 % of cases where the source's"
    " training and ours are the same."
)


def published_table(results: Frames) -> Table:
    """Each published figure beside ours: our interval over seeds, difference, ratio of seconds, and
    what differs.
    """
    rows = [
        [study.name if has_several_studies(results) else None, index, *row]
        for study in results.studies
        for index, first in enumerate(study.spec.first)
        for milestone in first.published
        for row in _published_rows(results.only(study.name), study, index, milestone)
    ]
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
    notes = [note for study in results.studies for note in unlike_notes(study)]
    title = (
        f"Published figures and ours{', which were trained with other settings' if notes else ''}"
    )
    if rows:
        notes += [
            note
            for study in results.studies
            for note in _entries(study, has_several_studies(results))
        ]
        notes.append(
            "difference: ours less the published figure. ratio of seconds: ours over the published,"
            " which are those of the source's hardware. Both stand only where our training has"
            " reached the published epoch."
        )
        notes.append(_ONE_RUN)
    if not rows:
        notes.append("No published figures stand in the study file.")
    if (results.trials["data.validation"] == "test").any():
        notes.append(STEERED_NOTE)
    return make_table(title, headers, rows, notes)


@dataclass(frozen=True)
class _Ours:
    """Our rows that stand beside a published one, at which epoch, and whether that is the epoch
    asked for.
    """

    rows: pd.DataFrame
    trials: pd.DataFrame
    epoch: int
    reached: bool
    ended: bool

    def figure(self, metric: str) -> _Figure | None:
        """The figure over seeds; of validation images where there is none of test images."""
        stand_in = metric.replace("test_", "val_", 1)
        found = [(self.rows, metric, ""), (self.rows, stand_in, f"ours is {stand_in}")]
        if self.ended:
            found.insert(1, (self.trials, metric, ""))
        for rows, name, word in found:
            estimate = mean_over_seeds(rows, name)
            if estimate is not None:
                return _Figure(estimate, rows[name], word)
        return None


@dataclass(frozen=True)
class _Figure:
    """One figure of ours over seeds, and a word where it is not the published one's counterpart."""

    estimate: Estimate
    seeds: pd.Series[float]
    word: str

    def less(self, theirs: Any) -> Estimate | None:
        """Ours less the published figure, which is that of one run, and as noisy as a run of
        ours.
        """
        return predicted_difference(self.seeds, theirs) if isinstance(theirs, int | float) else None


def _published_rows(
    results: Frames, study: Study, index: int, milestone: Mapping[str, Any]
) -> list[list[Cell]]:
    """One row for each figure of a published milestone; the seconds, and remarks on it, stand in
    the first.
    """
    ours = _ours_at(results, index, milestone)
    label = str(milestone.get("label", milestone.get("epoch", "end")))
    apart = list(_differing(study, index, ours))
    metrics = [name for name in milestone if name not in _NOT_METRICS] or [""]
    rows = []
    for position, metric in enumerate(metrics):
        figure = ours.figure(metric) if metric else None
        theirs = milestone.get(metric)
        word = figure.word if figure else ""
        rows.append(
            [
                label,
                metric or None,
                theirs,
                figure.estimate if figure else None,
                ours.epoch if figure else None,
                figure.estimate.n if figure else None,
                figure.less(theirs) if figure and ours.reached else None,
                *(_seconds(milestone, ours) if position == 0 else (None, None, None)),
                "; ".join(filter(None, [word, *apart, *(() if position else _remarks(milestone))]))
                or None,
            ]
        )
    return rows


def _ours_at(results: Frames, index: int, milestone: Mapping[str, Any]) -> _Ours:
    """Our rows at the milestone's epoch; at our last one where that was not reached."""
    trials = _trials_beside(results, index)
    rows = epoch_rows_of(results, trials)
    done = int(trials["epochs"].min()) if len(trials) else 0
    asked = milestone.get("epoch")
    ended = bool(len(trials)) and bool((trials["state"] == "COMPLETE").all())
    if not isinstance(asked, int):
        return _Ours(rows[rows["epoch"] == done], trials, done, ended, ended)
    epoch = min(asked, done)
    return _Ours(
        rows[rows["epoch"] == epoch], trials, epoch, done >= asked, ended and epoch == done
    )


def _trials_beside(results: Frames, index: int) -> pd.DataFrame:
    """The trials of an entry of ``first:``: those that its value is of, or those there are where it
    has none.
    """
    trials = results.trials[results.trials["entry"] == index]
    valued = counted_trials(trials)
    return valued if len(valued) else search_trials(trials[trials["epochs"] > 0])


def _seconds(milestone: Mapping[str, Any], ours: _Ours) -> tuple[Cell, Cell, Cell]:
    """The published seconds (of the epoch where only that is published), ours, and ours over
    theirs.
    """
    rows, theirs = ours.rows, milestone.get("seconds", milestone.get("epoch_seconds"))
    if theirs is None or not len(rows):
        return theirs, None, None
    mine = (
        rows["seconds"] if "seconds" in milestone else rows["train_seconds"] + rows["eval_seconds"]
    ).dropna()
    if not len(mine):
        return theirs, None, None
    return theirs, float(mine.mean()), _ratio(mine, theirs) if ours.reached else None


def _ratio(ours: pd.Series[float], theirs: float) -> Estimate | None:
    """Our seconds over theirs, in the geometric mean; as of the figures, the interval takes theirs
    to be of one run.
    """
    if theirs <= 0 or (ours <= 0).any():
        return None
    found = predicted_difference(np.log(ours.astype(float)), math.log(theirs))
    return Estimate(
        math.exp(found.value), math.exp(found.low), math.exp(found.high), found.n, found.level
    )


def _differing(study: Study, index: int, ours: _Ours) -> Iterable[str]:
    """In what our training is not the published one."""
    if not len(ours.rows):
        yield "not run" if not len(ours.trials) else "no epoch done"
    elif not ours.reached:
        yield "not reached"
    if changed_settings(study.spec, index):
        yield "other settings"
    substitutions = sorted(set(ours.trials["substitutions"].dropna())) if len(ours.trials) else []
    yield from (f"settings differ by a retry: {text}" for text in substitutions)


def _remarks(milestone: Mapping[str, Any]) -> Iterable[str]:
    """What there is to say of a published milestone, once."""
    if milestone.get("note"):
        yield milestone["note"]
    if "epoch_seconds" in milestone and "seconds" not in milestone:
        yield "seconds are of one epoch"
    if milestone.get("extrapolated"):
        yield "published seconds are extrapolated"


def _entries(study: Study, named: bool) -> Iterable[str]:
    """What each published entry of ``first:`` sets."""
    for index, first in enumerate(study.spec.first):
        if first.published:
            said = _setting_text(first.set) or "as the recipe says"
            yield f"{f'{study.name}, ' if named else ''}first {index}: {said}"


def _setting_text(tree: Mapping[str, Any], at: str = "") -> str:
    """What an entry of ``first:`` sets, on one line."""
    parts = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            parts.append(_setting_text(value, f"{at}{key}."))
        elif value is not None:
            parts.append(f"{at}{key}={value}".replace(".name=", "="))
    return ", ".join(filter(None, parts))
