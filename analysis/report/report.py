"""The report: one HTML file that needs nothing else to be viewed, printed or handed over."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from analysis.frames import STORAGE, Source
from analysis.rendering import Table
from analysis.report.chapter import AccountOf, chapter_of
from analysis.report.templates import html_templates
from analysis.results import Results, load
from analysis.selection.remembered import frames_made_once
from analysis.tables.comparison import comparison_table
from study.files.storage import StorageLike, StoragePath
from study.files.storage_uri import path_as_written


def write_report(
    studies: Source | Iterable[Source],
    *,
    storage: StorageLike = STORAGE,
    to: str | Path | None = None,
    account_of: AccountOf | None = None,
) -> StoragePath:
    """Write the report of one or several studies and return its path.

    Without ``to`` it lies in the first study's folder. ``account_of`` explains a study's decisions,
    which takes the pruner and the controller that took them; without it the report has none.
    """
    results = load(studies, storage=storage)
    path = path_as_written(to) if to else results.studies[0].paths.report
    path.write_whole(_page(results, account_of=account_of))
    return path


def write_comparison(
    a: Source, b: Source, *, storage: StorageLike = STORAGE, to: str | Path | None = None
) -> StoragePath:
    """Write the report that compares two studies and return its path.

    Without ``to`` it lies in the first study's folder.
    """
    results = load([a, b], storage=storage)
    first, second = results.studies
    path = path_as_written(to) if to else first.paths.folder / f"compare-{second.name}.html"
    comparison = comparison_table(Results((first,)), Results((second,)))
    path.write_whole(_page(results, comparison))
    return path


def _page(
    results: Results, comparison: Table | None = None, account_of: AccountOf | None = None
) -> str:
    """Return the report's HTML: a comparison where there is one, then a chapter for each study."""
    with frames_made_once():
        chapters = [
            chapter_of(Results((study,)), str(number), account_of)
            for number, study in enumerate(results.studies)
        ]
    title = " and ".join(study.name for study in results.studies)
    template = html_templates().get_template("report.html.j2")
    return template.render(
        title=title, chapters=chapters, comparison=comparison, single=len(chapters) == 1
    )
