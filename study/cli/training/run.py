"""Commands that drive a study: run, resume, retry."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from study.cli.options import (
    STUDIES,
    AcceptChangeOption,
    AcceptLossOption,
    AddressOption,
    DashboardOption,
    DataDirOption,
    FileArgument,
    KeepGoingOption,
    NameArgument,
    NewNameOption,
    NoImportOption,
    PointsOption,
    ReplicatesOption,
    SetsOption,
    StorageOption,
    TrustOption,
    WaitForNodesOption,
    WaitOption,
    app,
    standard_output,
    with_trust,
)
from study.errors import Interrupted

if TYPE_CHECKING:
    from study.execution.run import RunResult


@app.command()
def run(
    file: FileArgument,
    storage: StorageOption = STUDIES,
    name: NewNameOption = None,
    sets: SetsOption = None,
    points: PointsOption = None,
    data_dir: DataDirOption = None,
    address: AddressOption = None,
    keep_going: KeepGoingOption = False,
    wait_for_nodes: WaitForNodesOption = False,
    accept_change: AcceptChangeOption = False,
    no_import: NoImportOption = False,
    trust: TrustOption = False,
) -> None:
    """Run a study to its end; one that exists with the same file is resumed."""
    from study.execution import lifecycle

    options = _run_options(data_dir, address, keep_going, wait_for_nodes)
    options |= {"accept_change": accept_change, "imports": not no_import}
    spec_options: dict[str, Any] = {"name": name, "sets": sets or (), "points": points}

    def run_study(trusted: bool) -> RunResult:
        return lifecycle.run(file, storage=storage, trust=trusted, **spec_options, **options)

    _drive(run_study, storage, trust, options)


@app.command()
def resume(
    name: NameArgument,
    storage: StorageOption = STUDIES,
    points: PointsOption = None,
    replicates: ReplicatesOption = None,
    sets: SetsOption = None,
    data_dir: DataDirOption = None,
    address: DashboardOption = None,
    keep_going: KeepGoingOption = False,
    accept_loss: AcceptLossOption = False,
    accept_change: AcceptChangeOption = False,
    wait_for_nodes: WaitForNodesOption = False,
    trust: TrustOption = False,
    wait: WaitOption = False,
) -> None:
    """Go on with a study that was interrupted, or extend one: more points, more seeds, more epochs,
    a wider space.

    With a cluster's dashboard as its address, a job there goes on with it.
    """
    from study.execution import lifecycle

    extension: dict[str, Any] = {
        "points": points,
        "replicates": replicates,
        "sets": sets or (),
    }
    if address and address.startswith("http"):
        from study.cli.cluster.jobs import resume_job

        options: dict[str, Any] = {
            "data_dir": data_dir,
            "keep_going": keep_going,
            "accept_loss": accept_loss,
            "accept_change": accept_change,
            "wait_for_nodes": wait_for_nodes,
            "trust": trust,
        }
        resume_job(name, storage, address, extension, options, wait)
        return
    options = _run_options(data_dir, address, keep_going, wait_for_nodes)
    options |= {"accept_loss": accept_loss, "accept_change": accept_change}

    def resume_study(trusted: bool) -> RunResult:
        return lifecycle.resume(name, storage=storage, trust=trusted, **extension, **options)

    _drive(resume_study, storage, trust, options)


@app.command()
def retry(
    name: NameArgument,
    failed: Annotated[bool, typer.Option("--failed", help="All failed trials.")] = False,
    trial: Annotated[
        list[int] | None, typer.Option("--trial", help="A failed trial's number (repeatable).")
    ] = None,
    storage: StorageOption = STUDIES,
    data_dir: DataDirOption = None,
    address: AddressOption = None,
    keep_going: KeepGoingOption = False,
    wait_for_nodes: WaitForNodesOption = False,
    accept_change: AcceptChangeOption = False,
    trust: TrustOption = False,
) -> None:
    """Run failed trials again, once what they failed of is mended; what they were stays on
    record.
    """
    from study.errors import UserError
    from study.execution import lifecycle

    if failed == bool(trial):
        raise UserError(
            "say which trials to run again: --failed for all that failed, or --trial NUMBER"
        )
    options = _run_options(data_dir, address, keep_going, wait_for_nodes)
    options["accept_change"] = accept_change

    def retry_trials(trusted: bool) -> RunResult:
        return lifecycle.retry(name, trial or None, storage=storage, trust=trusted, **options)

    _drive(retry_trials, storage, trust, options)


def _run_options(
    data_dir: str | None, address: str | None, keep_going: bool, wait_for_nodes: bool
) -> dict[str, Any]:
    """Return the fields of RunOptions that the command line sets."""
    from study.cli.progress import display_on
    from study.execution.signals import StopOnSignals

    return {
        "data_dir": data_dir,
        "address": address,
        "keep_going": keep_going,
        "wait_for_nodes": wait_for_nodes,
        "display": display_on(standard_output()),
        "signals": StopOnSignals(),
    }


def _drive(
    act: Callable[[bool], RunResult], storage: str, trust: bool, options: dict[str, Any]
) -> None:
    """Drive a study, say what came of it, and end the command with the study's exit code.

    Ctrl-C ends neither the closing of a study nor what is said of it, unless it is pressed twice.
    """
    from study.cli.training.outcome import print_cut_short, print_result
    from study.files.layout import StudyPaths
    from study.files.storage_uri import storage_path

    again = _again(options)
    result = None
    with options["signals"] as signals:
        try:
            result = with_trust(act, trust)
            print_result(result, again)
        except KeyboardInterrupt:
            if result:
                print_cut_short(result)
            if not signals.study:
                raise
            resume = StudyPaths(storage_path(storage), signals.study).command("resume", *again)
            raise Interrupted(f"interrupted; nothing is lost. Go on with: {resume}") from None


def _again(options: dict[str, Any]) -> list[str]:
    """Return the options that whoever goes on with the study has to repeat."""
    words = []
    if options["address"]:
        words += ["--address", options["address"]]
    if options["data_dir"] and options["data_dir"] != os.environ.get("STUDY_DATA_DIR"):
        words += ["--data-dir", options["data_dir"]]
    return words
