"""Published figures, ours, and those of the original run again, beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.rendering import Cell, Header, Table, make_table
from analysis.results import Results, load
from analysis.selection.curves import epoch_rows_of
from analysis.selection.figures import has_figure, mean_over_seeds, metric_mean
from analysis.statistics import Estimate, welch

from .cuts import CUTS, Cut
from .originals import original_rows

FIGURES = ("test_accuracy", "test_loss", "train_accuracy", "train_loss")
HEADERS = (
    Header("training"),
    Header("epoch"),
    Header("figure"),
    Header("published", digits=4),
    Header("ours", digits=4),
    Header("seeds"),
    Header("ours less published", digits=4, signed=True),
    Header("original, run again", digits=4),
    Header("its seeds"),
    Header("ours less the original", digits=4, signed=True),
    Header("why they differ"),
)
NOTES = (
    "Intervals are of 95 %, each for itself: of 40 such differences two leave out zero by chance.",
    "That of a difference from a published figure takes this for one training, as noisy as ours.",
    "Of one seed there is no interval: only where a reason is known otherwise does one stand.",
)


def cut_table(storage: Path) -> Table:
    """Return the table of all cuts that have begun in a storage."""
    rows: list[list[Cell]] = []
    for cut in CUTS:
        if (storage / cut.name).is_dir():
            rows += rows_of_storage(cut, storage)
    return make_table("Published figures and ours, on a CPU", HEADERS, rows, NOTES)


def rows_of_storage(cut: Cut, storage: Path) -> list[list[Cell]]:
    """Return the rows of one cut."""
    results = load(cut.name, storage=storage)
    ours = our_rows(results)
    if not has_published_figures(cut):
        return rows_of_ours(cut, ours)
    return rows_of(cut, results.table("published"), ours, original_rows(cut, storage))


def has_published_figures(cut: Cut) -> bool:
    """Return whether a figure is published up to the epoch that a cut ends with."""
    milestones = [row for entry in cut.tree()["first"] for row in entry["published"]]
    return any(figure in row for row in milestones for figure in FIGURES)


def rows_of_ours(cut: Cut, ours: pd.DataFrame) -> list[list[Cell]]:
    """Return a row for each figure after a cut's last epoch, with no published one beside it."""
    at_end = ours[ours["epoch"] == cut.epochs]
    rows: list[list[Cell]] = []
    for figure in FIGURES:
        if has_figure(at_end, figure):
            estimate = mean_over_seeds(at_end, figure)
            seeds = int(at_end[figure].notna().sum())
            rest = [None] * (len(HEADERS) - 6)
            rows.append([cut.name, str(cut.epochs), figure, None, estimate, seeds, *rest])
    return rows


def our_rows(results: Results) -> pd.DataFrame:
    """Return the epochs of our trainings; figures of the test set where it is the validation's."""
    rows = epoch_rows_of(results, results.trials)
    for figure in ("accuracy", "loss"):
        validated = rows[f"val_{figure}"]
        tested = rows.get(f"test_{figure}", validated)
        rows[f"test_{figure}"] = tested.fillna(validated)
    return rows


def rows_of(
    cut: Cut, published: Table, ours: pd.DataFrame, original: pd.DataFrame
) -> list[list[Cell]]:
    """Return a row for each published figure that our training has reached.

    ``published`` is our own table of that name; ``ours`` and ``original`` hold the epochs of each
    seed.
    """
    names = [header.name for header in published.headers]
    rows: list[list[Cell]] = []
    for cells in published.rows:
        found = dict(zip(names, cells, strict=True))
        figure, epoch = found.get("figure"), found.get("epoch")
        is_reached = str(found.get("our epoch")) == str(epoch)
        if not isinstance(figure, str) or figure not in FIGURES or not is_reached:
            continue
        theirs = _at(original, str(epoch), figure)
        difference = found.get("difference")
        rows.append(
            [
                cut.name,
                epoch,
                figure,
                found["published"],
                found["ours"],
                found["seeds"],
                difference,
                metric_mean(theirs, figure) if len(theirs) else None,
                len(theirs) or None,
                welch(_at(ours, str(epoch), figure), theirs).estimate if len(theirs) else None,
                _why(cut.why, figure, difference),
            ]
        )
    return rows


def _at(rows: pd.DataFrame, epoch: str, figure: str) -> pd.Series[float]:
    """Return a figure of each seed at an epoch."""
    at_epoch = rows[rows["epoch"].astype(str) == epoch]
    return at_epoch[figure].dropna().astype(float)


def _why(reasons: Mapping[str, str], figure: str, difference: Any) -> str | None:
    """Return why a figure differs; None where it doesn't by more than seeds do.

    Of one seed, whose difference has no interval, the reason that is named, if any.
    """
    if not isinstance(difference, Estimate):
        return None
    if not difference.known:
        return reasons.get(figure)
    return reasons.get(figure, "not known") if difference.excludes_zero else None
