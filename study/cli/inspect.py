"""Commands that look: status, list, logs, table, query, report, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from study.cli.answers import answer, is_collecting, print_json, print_now
from study.cli.options import (
    STUDIES,
    DashboardOption,
    FollowOption,
    FormatOption,
    NameArgument,
    StorageOption,
    ToOption,
    app,
    check_format,
    echo,
    print_table,
    results_of,
    short_path,
)

_FORMS_BY_ENDING = {
    ".csv": "csv",
    ".json": "json",
    ".md": "markdown",
    ".tex": "latex",
    ".parquet": "parquet",
}
_KINDS_HELP = (
    "leaderboard, milestones, published, effects, interactions, importance, best-of-n,"
    " confirmation, winners, cost, time-to-target, failures or warnings."
)
"""The names of ``analysis.tables.kinds.KINDS``, which ``--help`` does without loading it."""


@app.command()
def status(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The study's name; all without it.")
    ] = None,
    storage: StorageOption = STUDIES,
    address: DashboardOption = None,
    form: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Say how far studies are, from their storage alone; with a cluster's address, of its
    studies.
    """
    from study.files.layout import existing
    from study.files.storage_uri import storage_path
    from study.inspection.status import overview, status_of, status_text

    check_format(form, ("table", "json"))
    root = storage_path(storage)
    if is_on_cluster(address, name, storage):
        found = _cluster_status(str(address), name)
    else:
        found = [status_of(existing(name, storage))] if name else overview(root)
    if form == "json":
        print_json(found[0] if name else found)
    else:
        echo("\n\n".join(status_text(one) for one in found) or f"no studies in {short_path(root)}")


def is_on_cluster(address: str | None, name: str | None, storage: str) -> bool:
    """Whether a cluster is to be asked, and not the storage.

    It isn't where RAY_ADDRESS happens to be set and the study lies in the storage.
    """
    from study.files.layout import StudyPaths, is_there
    from study.files.storage_uri import storage_path

    if not address or storage != STUDIES:
        return False
    return not (name and is_there(StudyPaths(storage_path(storage), name)))


def _cluster_status(address: str, name: str | None) -> list[dict[str, Any]]:
    """Return the status of a cluster's studies, or of one of them, with that of their jobs."""
    from study.cli.cluster.jobs import job_rows
    from study.errors import UserError

    jobs = [job for job in job_rows(address) if name in (None, job["study"])]
    if name and not jobs:
        raise UserError(f"no job of a study {name} at {address}")
    return [_status_by_job(job) for job in jobs]


def _status_by_job(job: dict[str, Any]) -> dict[str, Any]:
    """Return a study's status from its storage, or its job's where that isn't seen from here."""
    from study.errors import StudyError
    from study.files.layout import existing
    from study.inspection.status import status_of

    try:
        status = status_of(existing(job["study"], job["storage"]))
    except (StudyError, OSError):
        state = f"job {job['job']} is {job['job_state']}; {job['storage']} is not seen from here"
        return job | {"state": state}
    return status | {"job": job["job"], "job_state": job["job_state"]}


@app.command("list")
def list_studies(
    storage: StorageOption = STUDIES, address: DashboardOption = None, form: FormatOption = "table"
) -> None:
    """List the studies in a storage, or those of a cluster."""
    from analysis.rendering import Header, make_table
    from study.cli.cluster.jobs import job_rows
    from study.files.storage_uri import storage_path
    from study.inspection.format import bytes_text
    from study.inspection.status import overview

    if address and storage == STUDIES:
        of_share = ("share", "holds", "wants", "part", "waits_since")
        columns: tuple[str, ...] = ("study", "job", "job_state", "storage", "submitted", *of_share)
        title, rows = f"Studies at {address}", job_rows(address)
    else:
        columns = ("study", "state", "points", "of", "best", "size", "updated")
        title, rows = f"Studies in {storage}", overview(storage_path(storage))
        for row in rows:
            if row["of"] is not None:
                row["of"] += row["added"]
            row["size"] = bytes_text((storage_path(storage) / row["study"]).bytes_below())
    headers = [Header(column) for column in columns]
    cells = [[row[column] for column in columns] for row in rows]
    print_table(make_table(title, headers, cells), form)


@app.command()
def logs(
    name: NameArgument,
    trial: Annotated[int | None, typer.Option("--trial", help="Only this trial.")] = None,
    follow: FollowOption = False,
    storage: StorageOption = STUDIES,
    address: DashboardOption = None,
) -> None:
    """Show what happened, event by event, and the tracebacks of failures; with --trial also what
    the trial has printed; of a cluster's study, what its job says.
    """
    from study.cli.cluster.jobs import print_log
    from study.files.layout import existing
    from study.inspection.event_log import followed_lines, log_lines
    from study.journal.replay import check_trial

    if is_on_cluster(address, name, storage) and trial is None:
        print_log(name, str(address), follow)
        return
    paths = existing(name, storage)
    if trial is not None:
        check_trial(paths, trial)
    answer(study=name)
    for line in followed_lines(paths, trial) if follow else log_lines(paths, trial):
        if follow and is_collecting():
            print_now(line=line)
        else:
            echo(line)


@app.command()
def table(
    name: NameArgument,
    kind: Annotated[
        str,
        typer.Option("--kind", help=_KINDS_HELP),
    ] = "leaderboard",
    top: Annotated[
        int, typer.Option("--top", min=1, help="How many rows of the leaderboard.")
    ] = 20,
    storage: StorageOption = STUDIES,
    form: FormatOption = "table",
) -> None:
    """Show one of a study's tables."""
    from analysis.tables.kinds import make_kind
    from analysis.tables.points.leaderboard import leaderboard_table

    results = results_of(name, storage=storage)
    if kind == "leaderboard":
        print_table(leaderboard_table(results, top), form)
    else:
        print_table(make_kind(kind, results), form)


@app.command()
def query(
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="A SELECT over points, trials and epochs.")
    ],
    names: Annotated[
        list[str] | None,
        typer.Option("--study", help="Only this study (repeatable); all by default."),
    ] = None,
    storage: StorageOption = STUDIES,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="table, json, csv, markdown, latex or parquet; else what --to ends in.",
        ),
    ] = None,
    to: ToOption = None,
) -> None:
    """Ask in SQL over one, several or all studies of a storage."""
    from analysis.rendering import FORMS
    from analysis.sql import answer_table, query_sql, render_answer
    from study.errors import UserError

    asked = form
    form = form or _FORMS_BY_ENDING.get(Path(to or "").suffix, "table")
    check_format(form, (*FORMS, "parquet"))
    found = query_sql(sql, names or None, storage=storage)
    if form == "parquet":
        import pyarrow.parquet as pq

        if to is None:
            raise UserError("a Parquet file needs a place: --to FILE.parquet")
        pq.write_table(found, to)
    elif to:
        Path(to).write_text(render_answer(found, form))
    else:
        print_table(answer_table(found), form)
    if to:
        _tell_of_file(to, asked)


@app.command()
def report(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="One study or several.")],
    storage: StorageOption = STUDIES,
    to: ToOption = None,
) -> None:
    """Write a report that can be handed over: one HTML file with the answer, tables, plots and
    warnings.
    """
    from analysis.report.report import write_report
    from study.files.layout import existing
    from study.inspection.decisions.account import account_of

    studies = [existing(name, storage) for name in names]
    path = write_report(studies, storage=storage, to=to, account_of=account_of)
    answer(file=str(path))
    echo(f"wrote {short_path(path)}")


def _tell_of_file(to: str, form: str | None) -> None:
    """Say which file was written: as JSON to whoever asked for that form."""
    if form == "json":
        print_json({"file": to})
    else:
        echo(f"wrote {short_path(Path(to))}")


@app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A")],
    b: Annotated[str, typer.Argument(metavar="B")],
    storage: StorageOption = STUDIES,
    form: Annotated[
        str, typer.Option("--format", help="html, table, json, csv, markdown or latex.")
    ] = "html",
    to: ToOption = None,
) -> None:
    """Compare two studies: a report, or a table."""
    from analysis.rendering import FORMS
    from analysis.report.report import write_comparison
    from study.files.layout import existing

    if form == "html":
        path = write_comparison(existing(a, storage), existing(b, storage), storage=storage, to=to)
        echo(f"wrote {short_path(path)}")
        return
    check_format(form, ("html", *FORMS))
    shown = results_of(a, storage=storage).compare(results_of(b, storage=storage))
    if to:
        Path(to).write_text(shown.render(form))
        _tell_of_file(to, form)
    else:
        print_table(shown, form)
