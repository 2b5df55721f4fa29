"""Commands that change a study without training: stop, add, extend, drop, clean …"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from study.cli.answers import answer
from study.cli.options import (
    STUDIES,
    DashboardOption,
    NameArgument,
    PointsOption,
    ReplicatesOption,
    StorageOption,
    TrustOption,
    app,
    can_ask,
    echo,
    with_trust,
)

if TYPE_CHECKING:
    from study.execution.changes import Change


@app.command()
def stop(
    name: NameArgument,
    trial: Annotated[
        int | None, typer.Option("--trial", help="End this one trial; the study goes on.")
    ] = None,
    storage: StorageOption = STUDIES,
    address: DashboardOption = None,
    trust: TrustOption = False,
) -> None:
    """Stop a running study so that it can be resumed, or end one of its trials."""
    from study.cli.cluster.jobs import connect, stop_job
    from study.cli.inspect import is_on_cluster
    from study.execution import changes

    if is_on_cluster(address, name, storage):
        if trial is None:
            stop_job(name, str(address))
            return
        storage = connect(address).job(name).storage
    number = trial
    if number is None:
        _tell(name, changes.stop(name, storage=storage))
        return

    def stop_trial(trusted: bool) -> Change:
        return changes.stop_trial(name, number, storage=storage, trusted=trusted)

    _tell(name, with_trust(stop_trial, trust))


def _tell(name: str, change: Change) -> None:
    """Say what was done."""
    answer(study=name, asked=change.is_asked, **change.facts)
    for line in change.lines:
        echo(line)


@app.command()
def add(
    name: NameArgument,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="PATH=VALUE", help="A value of the point, as optimizer.lr=0.1."
        ),
    ] = None,
    storage: StorageOption = STUDIES,
    trust: TrustOption = False,
) -> None:
    """Put a point of your own next in a study: --set optimizer.lr=0.1 for each value that is not
    the recipe's.
    """
    from study.execution import changes

    def add_point(trusted: bool) -> Change:
        return changes.add(name, sets or (), storage=storage, trusted=trusted)

    _tell(name, with_trust(add_point, trust))


@app.command()
def extend(
    name: NameArgument,
    points: PointsOption = None,
    replicates: ReplicatesOption = None,
    storage: StorageOption = STUDIES,
    address: DashboardOption = None,
) -> None:
    """Give a study that runs more points or seeds, as new totals; one that doesn't run is extended
    by `study resume`.
    """
    from study.cli.cluster.jobs import connect
    from study.cli.inspect import is_on_cluster
    from study.execution import changes

    if is_on_cluster(address, name, storage):
        storage = connect(address).job(name).storage
    _tell(name, changes.extend(name, storage=storage, points=points, replicates=replicates))


@app.command()
def share(
    name: NameArgument,
    weight: Annotated[float, typer.Argument(help="Its weight, from 0; 1 by default.")],
    storage: StorageOption = STUDIES,
    address: DashboardOption = None,
) -> None:
    """Change a study's part of a cluster that it shares with others, also while it runs: by weight;
    0 for what nobody else wants.
    """
    from study.cli.cluster.jobs import connect
    from study.cli.inspect import is_on_cluster
    from study.execution import changes

    if is_on_cluster(address, name, storage):
        storage = connect(address).job(name).storage
    _tell(name, changes.share(name, weight, storage=storage))


@app.command()
def drop(
    name: NameArgument,
    point: Annotated[int, typer.Option("--point", min=0, help="The point's number.")],
    storage: StorageOption = STUDIES,
    trust: TrustOption = False,
) -> None:
    """Take a bad point out: tables, the best and the sampler go on without it; its number and what
    it did stay on record.
    """
    from study.execution import changes

    def drop_point(trusted: bool) -> Change:
        return changes.drop(name, point, storage=storage, trusted=trusted)

    _tell(name, with_trust(drop_point, trust))


@app.command()
def remove(
    name: NameArgument,
    storage: StorageOption = STUDIES,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Delete a study and all its results."""
    from study.execution import lifecycle
    from study.files.layout import existing

    paths = existing(name, storage)
    if not yes:
        _ask(f"Delete {paths.folder} and everything in it?")
    lifecycle.remove(name, storage=storage)
    answer(study=name)
    echo(f"removed {name}")


@app.command()
def clean(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The study's name; all without it.")
    ] = None,
    checkpoints: Annotated[
        bool, typer.Option("--checkpoints", help="Delete checkpoints that no answer needs.")
    ] = False,
    results: Annotated[
        bool, typer.Option("--results", help="Delete the tables, which can be made anew.")
    ] = False,
    storage: StorageOption = STUDIES,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Show what could be deleted without losing an answer, and how much it is; delete it where you
    say what.
    """
    from study.execution.retention.clean import clean as delete
    from study.execution.retention.clean import deletable
    from study.files.layout import existing, studies_in
    from study.files.storage_uri import storage_path
    from study.inspection.format import bytes_text

    said = {"checkpoints": checkpoints, "results": results}
    chosen = [what for what, is_said in said.items() if is_said]
    studies = [existing(name, storage)] if name else studies_in(storage_path(storage))
    parts_found: list[dict[str, Any]] = []
    answer(parts=parts_found)
    for paths in studies:
        paths.check_plain()
        found = deletable(paths)
        for part in found:
            is_deleted = part.what in chosen
            told = {"what": part.what, "bytes": part.size_bytes, "deleted": is_deleted}
            parts_found.append({"study": paths.name, **told})
            what = f"{paths.name}: {part.what} {bytes_text(part.size_bytes)}"
            echo(f"{what} ({part.loss}); --{part.what} deletes them")
        parts = [part for part in found if part.what in chosen]
        if not parts:
            continue
        if not yes:
            _ask(f"Delete {' and '.join(chosen)} of {paths.name}?")
        delete(paths, parts)
        echo(f"{paths.name}: {bytes_text(sum(part.size_bytes for part in parts))} deleted")


def _ask(question: str) -> None:
    """Ask, and end the command where the answer is no. Raises UserError without a terminal."""
    from study.errors import UserError

    if not can_ask():
        raise UserError("there is no terminal to ask on: say --yes")
    typer.confirm(question, abort=True)


@app.command()
def collect(name: NameArgument, storage: StorageOption = STUDIES) -> None:
    """Write a study's Parquet files and its summary anew from its journal."""
    from study.files.layout import existing
    from study.journal.replay import read_history
    from study.journal.spec_versions import recorded_spec
    from study.results.parquet import write_tables
    from study.results.summary.making import summary_of
    from study.results.summary.summary_file import write_summary

    paths = existing(name, storage)
    history = read_history(paths.journal)
    spec = recorded_spec(paths, history)
    is_written = write_tables(paths, history=history, spec=spec)
    if is_written:
        write_summary(paths, history, summary_of(history, spec))
    answer(study=name, folder=str(paths.results))
    what = "wrote" if is_written else "its driver has just made fresher tables:"
    echo(f"{what} {paths.results}")
