"""The report: one HTML file that needs nothing else to be viewed, printed or handed over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.frames import STORAGE, Source
from analysis.rendering import Table
from analysis.report.decisions import Account, decisions_section
from analysis.report.sections import ReportSection, sections_of
from analysis.report.summary import answer_sentences
from analysis.results import Results, load
from analysis.tables.comparison import comparison_table
from analysis.tables.warnings import warning_texts
from study.files.layout import StudyPaths
from study.files.storage import StorageLike, StoragePath
from study.files.storage_uri import path_as_written

_TEMPLATES = Path(__file__).parent

AccountOf = Callable[[StudyPaths], Account]
"""Gives the account of a study's decisions."""


@dataclass(frozen=True)
class _Chapter:
    """What the report says of one study."""

    name: str
    question: str
    answer: list[str]
    warnings: list[str]
    sections: list[ReportSection]


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
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    chapters = [
        _chapter(Results((study,)), str(i), account_of) for i, study in enumerate(results.studies)
    ]
    title = " and ".join(study.name for study in results.studies)
    template = environment.get_template("report.html.j2")
    return template.render(
        title=title, chapters=chapters, comparison=comparison, single=len(chapters) == 1
    )


def _chapter(results: Results, mark: str, account_of: AccountOf | None) -> _Chapter:
    """Return the chapter of one study, whose plots' identities carry a mark of their own."""
    study = results.study
    answer = answer_sentences(results)
    sections = sections_of(results)
    if account_of is not None:
        account = account_of(study.paths)
        answer += [account["saving"]] if account["saving"] else []
        decisions = decisions_section(account)
        if decisions is not None:
            sections.insert(-1, decisions)  # where the study comes from stands last
    return _Chapter(
        study.name,
        study.spec.question,
        answer,
        warning_texts(results),
        [_marked(section, mark) for section in sections],
    )


def _marked(section: ReportSection, mark: str) -> ReportSection:
    """Return a section whose plots share no identity with other studies' plots on the page."""
    return replace(section, plots=tuple(plot.marked(mark) for plot in section.plots))
