"""The sections of a study's chapter, in their order.

A new section is a function here that returns a ``ReportSection``, and a line of ``_SECTIONS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from analysis.frames import Frames
from analysis.plots.kinds import draw_plots
from analysis.plots.svg import Plot
from analysis.rendering import Table
from analysis.report.provenance import images_table, sessions_table
from analysis.tables.kinds import make_kind

_MAIN_TABLES = (
    "leaderboard",
    "winners",
    "confirmation",
    "published",
    "milestones",
    "effects",
    "interactions",
    "best-of-n",
    "time-to-target",
)
_EFFORT_TABLES = ("failures", "cost")


@dataclass(frozen=True)
class ReportSection:
    """A heading with tables, plots and texts below it; ``name`` is its identity on the page."""

    name: str
    title: str
    tables: tuple[tuple[str, Table], ...] = ()
    """Each by a name, which is its identity on the page."""

    plots: tuple[Plot, ...] = ()
    none: str = ""
    """What is said where there is no table."""

    study_file: str = ""
    """The study file's text, shown with how to run it again."""


def sections_of(results: Frames, *, has_plots: bool = True) -> list[ReportSection]:
    """Return the sections of one study's chapter, those that have nothing to show left out."""
    sections = [make(results) for make in _SECTIONS if has_plots or make is not plots_section]
    return [section for section in sections if section is not None]


def _main_section(results: Frames) -> ReportSection:
    tables = _filled(results, _MAIN_TABLES)
    return ReportSection("tables", "Tables", tables, none="No trial has finished an epoch yet.")


def plots_section(results: Frames) -> ReportSection | None:
    """Return the section of the plots; None where there is nothing to draw."""
    plots = draw_plots(results)
    return ReportSection("plots", "Plots", plots=tuple(plots)) if plots else None


def _effort_section(results: Frames) -> ReportSection:
    return ReportSection("cost", "Failures and cost", _filled(results, _EFFORT_TABLES))


def _provenance_section(results: Frames) -> ReportSection:
    study = results.study
    images = images_table(results)
    tables = [("images", images)] if images.rows else []
    tables.append(("sessions", sessions_table(study)))
    study_file = study.paths.spec.read_text()
    return ReportSection("provenance", "Provenance", tuple(tables), study_file=study_file)


def _filled(results: Frames, kinds: Iterable[str]) -> tuple[tuple[str, Table], ...]:
    """Return the tables of these kinds that have rows."""
    tables = [(kind, make_kind(kind, results)) for kind in kinds]
    return tuple((kind, table) for kind, table in tables if table.rows)


_SECTIONS: tuple[Callable[[Frames], ReportSection | None], ...] = (
    _main_section,
    plots_section,
    _effort_section,
    _provenance_section,
)
