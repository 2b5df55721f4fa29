"""Commands that change a study without training: stop, add, drop, remove, collect."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from study.cli.options import (
    STUDIES,
    DashboardOption,
    NameArgument,
    SetsOption,
    StorageOption,
    TrustOption,
    app,
    echo,
    with_trust,
)


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
    from study.cli.inspect import is_on_cluster
    from study.cli.submit import connect, stop_job
    from study.errors import UserError
    from study.execution.lifecycle import post_request

    if is_on_cluster(address, name, storage):
        if trial is None:
            stop_job(name, str(address))
            return
        storage = connect(address).job(name).storage

    request: dict[str, Any] = (
        {"do": "stop"} if trial is None else {"do": "stop_trial", "trial": trial}
    )

    def post(trusted: bool) -> bool:
        return post_request(name, request, storage=storage, trusted=trusted)

    driven = with_trust(post, trust)
    if trial is None and not driven:
        raise UserError(f"study {name} is not running")
    what = f"trial {trial}" if trial is not None else name
    echo(f"asked the driver to stop {what}" if driven else f"stopped {what}")


@app.command()
def add(
    name: NameArgument,
    sets: SetsOption = None,
    storage: StorageOption = STUDIES,
    trust: TrustOption = False,
) -> None:
    """Put a point of your own next in a study: --set optimizer.lr=0.1 for each value that is not
    the recipe's.
    """
    from study.errors import UserError
    from study.execution.lifecycle import existing, post_request
    from study.journal.spec_versions import stored_spec_file
    from study.spec.load import added_values, load_spec

    if not sets:
        raise UserError("say what the point is: --set PATH=VALUE, as often as needed")
    spec = load_spec(stored_spec_file(existing(name, storage)))
    values, lies_in_space = added_values(spec, sets)

    def post(trusted: bool) -> bool:
        request = {"do": "add", "values": values}
        return post_request(name, request, storage=storage, trusted=trusted)

    driven = with_trust(post, trust)
    echo(f"added to {name}: {' '.join(f'{path}={value}' for path, value in values.items())}")
    if not lies_in_space:
        echo("it lies outside the space: it is shown, and the sampler isn't told of it")
    if not driven:
        echo(f"it runs with: study resume {name}")


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
    from study.execution.lifecycle import check_droppable, post_request

    check_droppable(name, point, storage=storage)

    def post(trusted: bool) -> bool:
        request = {"do": "drop", "point": point}
        return post_request(name, request, storage=storage, trusted=trusted)

    driven = with_trust(post, trust)
    echo(f"asked the driver to drop point {point}" if driven else f"dropped point {point}")


@app.command()
def remove(
    name: NameArgument,
    storage: StorageOption = STUDIES,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Delete a study and all its results."""
    from study.errors import UserError
    from study.execution import lifecycle

    paths = lifecycle.existing(name, storage)
    if not yes:
        if not sys.stdin.isatty():
            raise UserError("there is no terminal to ask on: say --yes")
        typer.confirm(f"Delete {paths.folder} and everything in it?", abort=True)
    lifecycle.remove(name, storage=storage)
    echo(f"removed {name}")


@app.command()
def collect(name: NameArgument, storage: StorageOption = STUDIES) -> None:
    """Write a study's Parquet files anew from its journal."""
    from study.execution.lifecycle import existing
    from study.results.parquet import write_tables

    paths = existing(name, storage)
    write_tables(paths)
    echo(f"wrote {paths.results}")
