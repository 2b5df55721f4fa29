"""The report: one HTML file that needs nothing else to be viewed, printed or handed over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from analysis.frames import STORAGE, Source, Study
from analysis.plots.study_plots import draw_plots
from analysis.plots.svg import Plot
from analysis.rendering import Header, Table, make_table
from analysis.report.summary import answer_sentences
from analysis.results import Results, load
from analysis.tables.kinds import make_kind
from analysis.tables.warnings import warning_texts
from study.files.storage import StorageLike, StoragePath
from study.files.storage_uri import path_as_written
from study.journal.history import DriverSession
from study.results.tabulate import code_version, moment

_TEMPLATE = Path(__file__).parent
_MAIN = (
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
_BACK = ("failures", "cost")


@dataclass(frozen=True)
class _Chapter:
    """What the report says of one study."""

    name: str
    question: str
    answer: list[str]
    warnings: list[str]
    tables: list[tuple[str, Table]]
    plots: list[Plot]
    back: list[tuple[str, Table]]
    sessions: Table
    spec: str


def write_report(
    studies: Source | Iterable[Source],
    *,
    storage: StorageLike = STORAGE,
    to: str | Path | None = None,
) -> StoragePath:
    """Write the report of one or several studies; by default into the first one's folder. Gives its
    path.
    """
    results = load(studies, storage=storage)
    path = path_as_written(to) if to else results.studies[0].paths.report
    path.write_whole(_page(results))
    return path


def write_comparison(
    a: Source, b: Source, *, storage: StorageLike = STORAGE, to: str | Path | None = None
) -> StoragePath:
    """Write the report that compares two studies; by default into the first one's folder. Gives its
    path.
    """
    results = load([a, b], storage=storage)
    first, second = results.studies
    path = path_as_written(to) if to else first.paths.folder / f"compare-{second.name}.html"
    path.write_whole(_page(results, comparison_table(Results((first,)), Results((second,)))))
    return path


def _page(results: Results, comparison: Table | None = None) -> str:
    """The report's HTML."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    chapters = [_chapter(Results((study,)), str(i)) for i, study in enumerate(results.studies)]
    title = " and ".join(study.name for study in results.studies)
    return environment.get_template("report.html.j2").render(
        title=title, chapters=chapters, comparison=comparison, single=len(chapters) == 1
    )


def _chapter(results: Results, mark: str) -> _Chapter:
    study = results.study
    return _Chapter(
        study.name,
        study.spec.question,
        answer_sentences(results),
        warning_texts(results),
        _filled(results, _MAIN),
        [_renamed(plot, mark) for plot in draw_plots(results)],
        _filled(results, _BACK),
        _sessions(study),
        study.paths.spec.read_text(),
    )


def _filled(results: Results, kinds: Iterable[str]) -> list[tuple[str, Table]]:
    """The tables that have rows, by kind."""
    made = [(kind, make_kind(kind, results)) for kind in kinds]
    return [(kind, shown) for kind, shown in made if shown.rows]


def _renamed(plot: Plot, mark: str) -> Plot:
    """The plot with identities of its own among several studies' plots on one page."""
    svg = plot.svg.replace(f'="{plot.name}-', f'="{plot.name}-{mark}-')
    svg = svg.replace(f"#{plot.name}-", f"#{plot.name}-{mark}-")
    return Plot(plot.name, plot.title, plot.description, svg)


def _sessions(study: Study) -> Table:
    """Who drove the study when, with which code on which machine."""
    rows = [
        [
            session.number,
            moment(session.opened_at),
            moment(session.closed_at or session.last_event_at or session.opened_at),
            session.reason or ("running, or killed" if session.closed_at is None else None),
            session.host,
            str(session.provenance.get("processor", "")) or None,
            code_version(session.provenance) or None,
            _packages(session),
            session.command,
        ]
        for session in study.history.sessions
    ]
    names = (
        "session",
        "from (UTC)",
        "to (UTC)",
        "ended by",
        "host",
        "processor",
        "code",
        "packages",
        "command",
    )
    versions = [
        f"Study file version {spec.version}, SHA-256 {spec.hash[:16]}…"
        + (f": {'; '.join(spec.changes)}" if spec.changes else "")
        for spec in study.history.specs
    ]
    return make_table("Provenance", [Header(name) for name in names], rows, versions)


def _packages(session: DriverSession) -> str:
    versions = session.provenance.get("packages", {})
    return ", ".join(f"{name} {version}" for name, version in versions.items() if version)
