"""A study's chapter: what the report, and the page, say of one study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from analysis.report.decisions import Account, decisions_section
from analysis.report.sections import ReportSection, sections_of
from analysis.report.summary import answer_sentences
from analysis.results import Results
from analysis.tables.warnings import warning_texts
from study.files.layout import StudyPaths

AccountOf = Callable[[StudyPaths], Account]
"""Gives the account of a study's decisions."""


@dataclass(frozen=True)
class Chapter:
    """What is said of one study."""

    name: str
    question: str
    answer: list[str]
    warnings: list[str]
    sections: list[ReportSection]


def chapter_of(
    results: Results,
    mark: str = "0",
    account_of: AccountOf | None = None,
    *,
    has_plots: bool = True,
) -> Chapter:
    """Return the chapter of one study, whose plots' identities carry a mark of their own.

    ``account_of`` explains the study's decisions; without it the chapter has none. ``has_plots``
    says whether it has the plots, which take as long as all the rest.
    """
    study = results.study
    answer = answer_sentences(results)
    sections = sections_of(results, has_plots=has_plots)
    if account_of is not None:
        account = account_of(study.paths)
        answer += [account["saving"]] if account["saving"] else []
        decisions = decisions_section(account)
        if decisions is not None:
            sections.insert(-1, decisions)  # where the study comes from stands last
    return Chapter(
        study.name,
        study.spec.question,
        answer,
        warning_texts(results),
        [_marked(section, mark) for section in sections],
    )


def _marked(section: ReportSection, mark: str) -> ReportSection:
    """Return a section whose plots share no identity with other studies' plots on the page."""
    return replace(section, plots=tuple(plot.marked(mark) for plot in section.plots))
