"""Commands on a cluster: submit, and what the others do where they are given a cluster's
address.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from study.cli.options import (
    STUDIES,
    DataDir,
    File,
    Jobs,
    KeepGoing,
    NewName,
    Points,
    Sets,
    Wait,
    WaitForNodes,
    app,
    check_format,
)

if TYPE_CHECKING:
    from study.cluster.client import Cluster, Job


@app.command()
def submit(
    file: File,
    storage: Annotated[
        str,
        typer.Option(
            "--storage", help="Where the study is kept: a folder or URI that all nodes share."
        ),
    ],
    address: Jobs = None,
    name: NewName = None,
    sets: Sets = None,
    points: Points = None,
    data_dir: DataDir = None,
    retries: Annotated[
        int, typer.Option("--retries", min=0, help="How often a driver that died starts again.")
    ] = 3,
    ship_code: Annotated[
        bool, typer.Option("--ship-code", help="Send this package and your own modules along.")
    ] = False,
    keep_going: KeepGoing = False,
    wait_for_nodes: WaitForNodes = False,
    wait: Wait = False,
    form: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Submit a study to a Ray cluster, where it runs whether you stay or not."""
    from study.cluster.client import packed
    from study.cluster.job_request import Order
    from study.execution.provenance import version
    from study.inspection.preview import lacking
    from study.spec.load import load_spec

    check_format(form, ("table", "json"))
    spec = load_spec(file, sets=sets or (), name=name, points=points)
    for note in (*spec.notes, *lacking(spec, spec.concurrency or 1)):
        typer.echo(f"note: {note}", err=True)
    order = Order(
        name=spec.study,
        storage=shared(storage),
        study=spec.yaml(),
        version="" if ship_code else version("ray-study"),
        retries=retries,
        session={"data_dir": data_dir, "keep_going": keep_going, "wait_for_nodes": wait_for_nodes},
    )
    cluster = connected(address)
    with packed(spec) if ship_code else nullcontext() as code:
        job = cluster.submit(order, code)
    if form == "json" and not wait:
        typer.echo(
            json.dumps(
                {"study": job.study, "job": job.id, "address": address, "storage": job.storage}
            )
        )
        return
    _started(cluster, job, wait)


def resume_job(
    name: str,
    storage: str,
    address: str,
    more: Mapping[str, Any],
    session: Mapping[str, Any],
    wait: bool,
) -> None:
    """Go on with a study by a job; its storage is the last job's where none is given."""
    from study.cluster.job_request import Order
    from study.execution.provenance import version

    cluster = connected(address)
    where = storage if storage != STUDIES else cluster.job(name).storage
    order = Order(name, shared(where), version=version("ray-study"), more=more, session=session)
    _started(cluster, cluster.submit(order), wait)


def connected(address: str | None) -> Cluster:
    """The cluster; with a word to whoever uses one that is open to everybody."""
    from study.cluster.client import Cluster
    from study.errors import UserError

    if not address:
        raise UserError("say where the cluster is: --address http://HEAD:8265, or RAY_ADDRESS")
    cluster = Cluster(address)
    if cluster.warning:
        typer.echo(cluster.warning, err=True)
    return cluster


def shared(storage: str) -> str:
    """A storage that means the same on every node."""
    from study.errors import UserError
    from study.files.storage_uri import storage_path

    if "://" not in storage and not storage.startswith("/"):
        raise UserError(
            "--storage: must be an absolute path or a URI that all nodes share; found"
            f" {storage!r:.80}"
        )
    return str(storage_path(storage))


def _started(cluster: Cluster, job: Job, wait: bool) -> None:
    """Say what was started and how to look at it, or stay with it to its end."""
    where, at = f" --storage {job.storage}", f" --address {cluster.address}"
    typer.echo(f"study {job.study} runs at {cluster.address} as job {job.id}")
    if not wait:
        typer.echo(
            f"look:    study status {job.study}{at}\n"
            f"         study logs {job.study} -f{at}\n"
            f"stop:    study stop {job.study}{at}\n"
            f"results: study table {job.study}{where}"
        )
        return
    job = followed(cluster, job)
    raise typer.Exit(3 if job.exit_code is None else job.exit_code)


def followed(cluster: Cluster, job: Job) -> Job:
    from study.cluster.client import Reader

    return cluster.follow(job, Reader(typer.echo))


def show_logs(name: str, address: str, follow: bool) -> None:
    """What a study's job says."""
    from study.cluster.client import Reader

    cluster = connected(address)
    job = cluster.job(name)
    if follow:
        followed(cluster, job)
        return
    Reader(typer.echo)(cluster.logs(job))


def stop_job(name: str, address: str) -> None:
    """Stop a study's job and wait for its end."""
    from study.errors import OutsideFault, UserError

    cluster = connected(address)
    job = cluster.job(name)
    if job.over:
        raise UserError(f"study {name} is not running at {address}: job {job.id} is {job.state}")
    typer.echo(f"asked job {job.id} to stop")
    job = cluster.stop(job)
    if not job.over:
        raise OutsideFault(
            f"job {job.id} has not ended yet: study status {name} --address {address}"
        )
    typer.echo(f"stopped; go on with: study resume {name} --address {address}")


def jobs_of(address: str) -> list[dict[str, Any]]:
    """The cluster's studies, one row for the newest job of each."""
    from study.inspection.status import clock

    newest: dict[str, dict[str, Any]] = {}
    for job in connected(address).jobs():
        row = {"study": job.study, "job": job.id, "job_state": job.state, "storage": job.storage}
        newest.setdefault(job.study, row | {"submitted": clock(job.started)})
    return list(newest.values())
