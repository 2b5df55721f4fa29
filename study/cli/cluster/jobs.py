"""Jobs of a Ray cluster: what commands do given the address of a dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import typer

from study.cli.answers import answer
from study.cli.options import STUDIES, echo

if TYPE_CHECKING:
    from study.cluster.client import Cluster, Job


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
    print_start(cluster, cluster.submit(request), wait)


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


def print_start(cluster: Cluster, job: Job, wait: bool) -> None:
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
