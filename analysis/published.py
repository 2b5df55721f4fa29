"""The published figures beside ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.query import Results, Study
from analysis.replicas import changed, unlike
from analysis.statistics import Estimate
from analysis.table import Cell, Header, Table, table
from analysis.views import STEERED, metric_mean, over_seeds, search, several

NOT_METRICS = {"epoch", "end", "label", "seconds", "epoch_seconds", "extrapolated", "note"}


def published(results: Results) -> Table:
    """Each published figure beside ours: our interval over seeds, difference, ratio of seconds, and what differs."""
    rows = [
        [study.name if several(results) else None, index, *row]
        for study in results.studies
        for index, first in enumerate(study.spec.first)
        for milestone in first.published
        for row in published_rows(results.only(study.name), study, index, milestone)
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
    notes = [note for study in results.studies for note in unlike(study)]
    title = f"Published figures and ours{', which were trained with other settings' if notes else ''}"
    if rows:
        notes += [note for study in results.studies for note in entries(study, several(results))]
        notes.append(
            "difference: ours less the published figure. ratio of seconds: ours over the published, which are those of "
            "the source's hardware. Both stand only where our training has reached the published epoch."
        )
    if (results.trials["data.validation"] == "test").any():
        notes.append(STEERED)
    return table(title, headers, rows, notes)


@dataclass(frozen=True)
class Ours:
    """Our rows that stand beside a published one, at which epoch, and whether that is the epoch asked for."""

    rows: pd.DataFrame
    trials: pd.DataFrame
    epoch: int
    reached: bool
    ended: bool

    def figure(self, metric: str) -> tuple[Estimate | None, str]:
        """The figure over seeds, and a word where it is not the published one's counterpart."""
        if metric in self.rows and self.rows[metric].notna().any():
            return over_seeds(self.rows, metric), ""
        if self.ended and metric in self.trials and self.trials[metric].notna().any():
            return over_seeds(self.trials, metric), ""
        stand_in = metric.replace("test_", "val_", 1)
        if stand_in in self.rows and self.rows[stand_in].notna().any():
            return over_seeds(self.rows, stand_in), f"ours is {stand_in}"
        return None, ""


def published_rows(results: Results, study: Study, index: int, milestone: Mapping[str, Any]) -> list[list[Cell]]:
    """One row for each figure of a published milestone; the seconds, and remarks on it, stand in the first."""
    ours = ours_at(results, index, milestone)
    label = str(milestone.get("label", milestone.get("epoch", "end")))
    apart = list(differing(study, index, ours))
    metrics = [name for name in milestone if name not in NOT_METRICS] or [""]
    rows = []
    for position, metric in enumerate(metrics):
        figure, word = ours.figure(metric) if metric else (None, "")
        theirs = milestone.get(metric)
        rows.append(
            [
                label,
                metric or None,
                theirs,
                figure,
                ours.epoch if figure else None,
                figure.n if figure else None,
                difference(figure, theirs) if ours.reached else None,
                *(seconds(milestone, ours) if position == 0 else (None, None, None)),
                "; ".join(filter(None, [word, *apart, *(() if position else remarks(milestone))])) or None,
            ]
        )
    return rows


def ours_at(results: Results, index: int, milestone: Mapping[str, Any]) -> Ours:
    """Our rows at the milestone's epoch; at our last one where that was not reached."""
    points = results.points
    number = points.loc[points["entry"] == index, "point"]
    trials = search(results.trials)
    trials = trials[trials["point"].isin(number) & (trials["epochs"] > 0)]
    rows = results.epochs[results.epochs["trial"].isin(trials["trial"])]
    done = int(trials["epochs"].min()) if len(trials) else 0
    asked = milestone.get("epoch")
    ended = bool(len(trials)) and bool((trials["state"] == "COMPLETE").all())
    if not isinstance(asked, int):
        return Ours(rows[rows["epoch"] == done], trials, done, ended, ended)
    epoch = min(asked, done)
    return Ours(rows[rows["epoch"] == epoch], trials, epoch, done >= asked, ended and epoch == done)


def difference(ours: Estimate | None, theirs: Any) -> Estimate | None:
    if ours is None or not isinstance(theirs, int | float):
        return None
    return Estimate(ours.value - theirs, ours.low - theirs, ours.high - theirs, ours.n, ours.level)


def seconds(milestone: Mapping[str, Any], ours: Ours) -> tuple[Cell, Cell, Cell]:
    """The published seconds (of the epoch where only that is published), ours, and ours over theirs."""
    if "seconds" in milestone:
        mine = over_seeds(ours.rows, "seconds")
    elif "epoch_seconds" in milestone and len(ours.rows):
        mine = metric_mean(ours.rows["train_seconds"] + ours.rows["eval_seconds"], "epoch_seconds")
    else:
        mine = None
    theirs = milestone.get("seconds", milestone.get("epoch_seconds"))
    ratio = mine.value / theirs if mine and theirs and ours.reached else None
    return theirs, mine.value if mine else None, ratio


def differing(study: Study, index: int, ours: Ours) -> Iterable[str]:
    """In what our training is not the published one."""
    if not len(ours.rows):
        yield "not run" if not len(ours.trials) else "no epoch done"
    elif not ours.reached:
        yield "not reached"
    if changed(study.spec, index):
        yield "other settings"
    substitutions = sorted(set(ours.trials["substitutions"].dropna())) if len(ours.trials) else []
    yield from (f"settings differ by a retry: {text}" for text in substitutions)


def remarks(milestone: Mapping[str, Any]) -> Iterable[str]:
    """What there is to say of a published milestone, once."""
    if milestone.get("note"):
        yield milestone["note"]
    if "epoch_seconds" in milestone and "seconds" not in milestone:
        yield "seconds are of one epoch"
    if milestone.get("extrapolated"):
        yield "published seconds are extrapolated"


def entries(study: Study, named: bool) -> Iterable[str]:
    """What each published entry of ``first:`` sets."""
    for index, first in enumerate(study.spec.first):
        if first.published:
            said = setting_text(first.set) or "as the recipe says"
            yield f"{f'{study.name}, ' if named else ''}first {index}: {said}"


def setting_text(tree: Mapping[str, Any], at: str = "") -> str:
    """What an entry of ``first:`` sets, on one line."""
    parts = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            parts.append(setting_text(value, f"{at}{key}."))
        elif value is not None:
            parts.append(f"{at}{key}={value}".replace(".name=", "="))
    return ", ".join(filter(None, parts))
