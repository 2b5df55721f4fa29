"""``study submit``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from study.cli.answers import print_json
from study.cli.cluster.jobs import connect, print_start
from study.cli.cluster.slurm import queue
from study.cli.options import (
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
    print_start(cluster, job, wait)


def _refuse_options(options: Mapping[str, object], when: str) -> None:
    """Refuse options that mean nothing ``with`` or ``without`` Slurm."""
    from study.errors import UserError

    for name, value in options.items():
        if value not in (None, False):
            raise UserError(f"--{name}: is for studies {when} --slurm")
