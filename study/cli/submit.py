"""Commands on a cluster: submit, and what the others do given the address of a dashboard."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from study.cli.answers import answer, print_json
from study.cli.options import (
    STUDIES,
    DashboardOption,
    DataDirOption,
    FileArgument,
    KeepGoingOption,
    NewNameOption,
    NoImportOption,
    PointsOption,
    SetsOption,
    TrustOption,
    WaitForNodesOption,
    WaitOption,
    app,
    check_format,
    echo,
    with_trust,
)
from study.cli.slurm import queue

if TYPE_CHECKING:
    from study.cluster.client import Cluster, Job


@app.command()
def submit(
    file: FileArgument,
    storage: Annotated[
        str,
        typer.Option(
            "--storage", help="Where the study is kept: a folder or URI that all nodes share."
        ),
    ],
    address: DashboardOption = None,
    name: NewNameOption = None,
    sets: SetsOption = None,
    points: PointsOption = None,
    share: Annotated[
        float | None,
        typer.Option("--share", help="Its weight among the cluster's studies, from 0."),
    ] = None,
    data_dir: DataDirOption = None,
    retries: Annotated[
        int | None,
        typer.Option("--retries", min=0, help="How often a driver that died starts again; 3."),
    ] = None,
    ship_code: Annotated[
        bool, typer.Option("--ship-code", help="Send this package and your own modules along.")
    ] = False,
    keep_going: KeepGoingOption = False,
    wait_for_nodes: WaitForNodesOption = False,
    no_import: NoImportOption = False,
    trust: TrustOption = False,
    wait: WaitOption = False,
    slurm: Annotated[
        bool, typer.Option("--slurm", help="Put it into Slurm's queue, until it is complete.")
    ] = False,
    dry: Annotated[
        bool,
        typer.Option("--dry", help="With --slurm: print the job's script, and submit nothing."),
    ] = False,
    partition: Annotated[str | None, typer.Option(help="With --slurm: the partition.")] = None,
    account: Annotated[str | None, typer.Option(help="With --slurm: the account.")] = None,
    time: Annotated[
        str | None, typer.Option(help="With --slurm: the longest turn, as 4:00:00 or 30 (minutes).")
    ] = None,
    nodes: Annotated[int, typer.Option(min=1, help="With --slurm: nodes of a turn.")] = 1,
    cpus: Annotated[
        int | None, typer.Option(min=1, help="With --slurm: cores of each node.")
    ] = None,
    gpus: Annotated[
        int | None, typer.Option(min=0, help="With --slurm: GPUs of each node.")
    ] = None,
    more: Annotated[
        list[str] | None,
        typer.Option("--sbatch", help="With --slurm: one more option of sbatch, as --qos=long."),
    ] = None,
    setup: Annotated[
        Path | None,
        typer.Option(help="With --slurm: a file of shell lines that each turn begins with."),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Submit a study to a Ray cluster or to Slurm, where it runs whether you stay or not."""
    from study.cluster.code_package import code_package
    from study.cluster.slurm.allocation import Allocation
    from study.cluster.submission import check_submitted, refusals_by_line, request_to_run
    from study.execution.user.trust import check_file_trusted
    from study.spec.load import load_spec

    check_format(form, ("table", "json"))
    of_slurm = {
        "dry": dry,
        "partition": partition,
        "account": account,
        "time": time,
        "nodes": nodes if nodes > 1 else None,
        "cpus": cpus,
        "gpus": gpus,
        "sbatch": more,
        "setup": setup,
    }
    of_ray = {
        "address": address,
        "share": share,
        "retries": retries,
        "ship-code": ship_code,
        "wait": wait,
    }
    if slurm and address == os.environ.get("RAY_ADDRESS"):
        of_ray["address"] = None
    _refuse_options(of_ray if slurm else of_slurm, "without" if slurm else "with")
    shares = [] if share is None else [f"share={share:g}"]
    written: dict[str, Any] = {"sets": [*(sets or ()), *shares], "name": name, "points": points}
    spec = load_spec(file, **written)
    with_trust(lambda trusted: check_file_trusted(file, spec, trusted), trust)
    for note in check_submitted(file, spec, storage, imports=not no_import, **written):
        echo(f"note: {note}", err=True)
    request = request_to_run(
        spec,
        storage,
        options={"data_dir": data_dir, "keep_going": keep_going, "wait_for_nodes": wait_for_nodes},
        retries=3 if retries is None else retries,
        ship_code=ship_code,
    )
    if slurm:
        allocation = Allocation.for_study(
            spec,
            partition=partition,
            account=account,
            time=time,
            nodes=nodes,
            cpus=cpus,
            gpus=gpus,
            more=more or (),
        )
        queue(request, allocation, setup=setup, dry=dry, form=form)
        return
    cluster = connect(address)
    package = code_package(spec) if ship_code else nullcontext()
    with package as code, refusals_by_line(file, spec, storage, **written):
        job = cluster.submit(request, code)
    if form == "json" and not wait:
        started = {
            "study": job.study,
            "job": job.id,
            "address": address,
            "storage": job.storage,
        }
        print_json(started)
        return
    _print_start(cluster, job, wait)


def _refuse_options(options: Mapping[str, object], when: str) -> None:
    """Refuse options that mean nothing ``with`` or ``without`` Slurm."""
    from study.errors import UserError

    for name, value in options.items():
        if value not in (None, False):
            raise UserError(f"--{name}: is for studies {when} --slurm")


def resume_job(
    name: str,
    storage: str,
    address: str,
    extension: Mapping[str, Any],
    options: Mapping[str, Any],
    wait: bool,
) -> None:
    """Go on with a study by a job; its storage is the last job's where none is given."""
    from study.cluster.submission import request_to_go_on

    cluster = connect(address)
    where = storage if storage != STUDIES else cluster.job(name).storage
    request = request_to_go_on(name, where, extension=extension, options=options)
    _print_start(cluster, cluster.submit(request), wait)


def connect(address: str | None) -> Cluster:
    """Connect to the cluster, and warn whoever uses one that is open to everybody."""
    from study.cluster.client import Cluster
    from study.errors import UserError

    if not address:
        raise UserError("say where the cluster is: --address http://HEAD:8265, or RAY_ADDRESS")
    cluster = Cluster(address)
    if cluster.warning:
        echo(cluster.warning, err=True)
    return cluster


def _print_start(cluster: Cluster, job: Job, wait: bool) -> None:
    """Say what was started and how to look at it, or stay with it to its end."""
    answer(study=job.study, job=job.id, address=cluster.address, storage=job.storage)
    echo(f"study {job.study} runs at {cluster.address} as job {job.id}")
    if wait:
        job = _follow(cluster, job)
        raise typer.Exit(3 if job.exit_code is None else job.exit_code)
    from study.files.layout import StudyPaths
    from study.files.storage_uri import storage_path

    at = f" --address {cluster.address}"
    echo(
        f"look:    study status {job.study}{at}\n"
        f"         study logs {job.study} -f{at}\n"
        f"stop:    study stop {job.study}{at}\n"
        f"results: {StudyPaths(storage_path(job.storage), job.study).command('table')}"
    )


def _follow(cluster: Cluster, job: Job) -> Job:
    """Print what a job's study says until the job has ended."""
    from study.cluster.job_log import StudyLines

    return cluster.follow(job, StudyLines(echo).feed)


def print_log(name: str, address: str, follow: bool) -> None:
    """Print what a study's job says."""
    from study.cluster.job_log import StudyLines

    cluster = connect(address)
    job = cluster.job(name)
    if follow:
        _follow(cluster, job)
    else:
        StudyLines(echo).feed(cluster.log(job))


def stop_job(name: str, address: str) -> None:
    """Stop a study's job and wait for its end."""
    from study.errors import OutsideFault, UserError

    cluster = connect(address)
    job = cluster.job(name)
    if job.has_ended:
        raise UserError(f"study {name} is not running at {address}: job {job.id} is {job.state}")
    echo(f"asked job {job.id} to stop")
    job = cluster.stop(job)
    if not job.has_ended:
        raise OutsideFault(
            f"job {job.id} has not ended yet: study status {name} --address {address}"
        )
    answer(study=name, job=job.id, asked=True)
    echo(f"stopped; go on with: study resume {name} --address {address}")


def job_rows(address: str) -> list[dict[str, Any]]:
    """List the cluster's studies, one row for the newest job of each."""
    from study.inspection.format import time_text

    newest: dict[str, dict[str, Any]] = {}
    for job in connect(address).jobs():
        if job.study not in newest:
            newest[job.study] = {
                "study": job.study,
                "job": job.id,
                "job_state": job.state,
                "storage": job.storage,
                "submitted": time_text(job.started),
                **_share_of(job),
            }
    return list(newest.values())


def _share_of(job: Job) -> dict[str, Any]:
    """Return what a job's study has of the cluster; null where it has ended, or where its storage
    isn't seen from here.
    """
    from study.errors import StudyError
    from study.files.layout import StudyPaths
    from study.files.storage_uri import storage_path
    from study.inspection.status import share_of

    share: dict[str, Any] | None = None
    if not job.has_ended:
        with suppress(StudyError, OSError):
            share = share_of(StudyPaths(storage_path(job.storage), job.study))
    columns = ("share", "holds", "wants", "part", "waits_since")
    return share or dict.fromkeys(columns)
