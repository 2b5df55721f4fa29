"""Commands that train: run, resume, retry, train."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
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
    echo,
    print_table,
    results_of,
    short_path,
    standard_output,
    storage_words,
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

    _print_result(with_trust(run_study, trust))


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
        from study.cli.submit import resume_job

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

    _print_result(with_trust(resume_study, trust))


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

    _print_result(with_trust(retry_trials, trust))


def _run_options(
    data_dir: str | None, address: str | None, keep_going: bool, wait_for_nodes: bool
) -> dict[str, Any]:
    """Return the fields of RunOptions that the command line sets."""
    from study.cli.options import standard_output
    from study.cli.progress import display_on

    return {
        "data_dir": data_dir,
        "address": address,
        "keep_going": keep_going,
        "wait_for_nodes": wait_for_nodes,
        "display": display_on(standard_output()),
    }


@app.command()
def train(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A recipe file: what `recipe:` holds in a study; or a study file with `train:`.",
        ),
    ],
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Override a value of the recipe."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="The training's folder; trainings/RECIPE by default.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or mps.")] = "cpu",
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            min=1,
            help="Torch's threads; all processors by default. A trial has resources.cpus.",
        ),
    ] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Train one recipe without a study; interrupted, the same command goes on from the last
    checkpoint.
    """
    from study.execution.resources import factories
    from study.spec.load import own_training_in
    from study.training.recipe.file import read_recipe

    own = own_training_in(file, sets or ())
    recipe = None if own else read_recipe(file, sets or ())
    folder = Path(to) if to else Path("trainings") / Path(file).stem
    if recipe is None or any(factories(recipe.model_dump(mode="json"))):
        sys.path.append(str(Path.cwd()))  # last of all, as for the workers of a study
    import torch

    from study.cli.training_display import TrainingDisplay
    from study.errors import UserError
    from study.training.runtime.device import resolve_device
    from study.training.runtime.failures import TrainingFailure
    from study.training.standalone import OwnConfig, train_config, train_recipe_file

    if threads:
        torch.set_num_threads(threads)
    try:
        resolve_device(device)
    except TrainingFailure as failure:
        raise UserError(f"--device: {failure.message}") from None
    try:
        if recipe is None:
            assert own is not None
            asked = OwnConfig(own.train, own.config, own.objectives, own.epochs)
            outcome = train_config(
                asked, folder, device=device, data_dir=data_dir, show=_show_metrics
            )
        else:
            with TrainingDisplay(standard_output(), recipe.epochs) as display:
                outcome = train_recipe_file(
                    recipe,
                    folder,
                    device=device,
                    data_dir=data_dir,
                    show=display.show,
                    progress=display.progress,
                )
    except TrainingFailure as failure:
        echo(f"{failure.failure_class}: {failure.message}", err=True)
        if "place" in failure.details:  # of the user's own code, which he can mend
            echo(f"\n{failure.details['traceback']}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        echo(f"interrupted; the same command goes on from the last epoch in {folder}", err=True)
        raise typer.Exit(130) from None
    echo(f"ended by {outcome.stop_reason}; figures in {folder}/figures.json")
    for figure in ("test_accuracy", "test_loss", "best_epoch", "parameters", "total_seconds"):
        if figure in outcome.summary:
            echo(f"  {figure}: {outcome.summary[figure]}")


def _show_metrics(row: Mapping[str, Any]) -> None:
    """Print what an own training has reported as a line."""
    cells = [f"{name} {row[name]:.4g}" for name in row if isinstance(row[name], float)]
    echo(f"epoch {row['epoch']}  " + "  ".join(cells))


def _print_result(result: RunResult) -> None:
    """Say what came out of a run, and end the command with the run's exit code."""
    with suppress(BrokenPipeError):  # a reader that has gone changes nothing in what came out
        if result.exit_code == Interrupted.exit_code:
            _print_interruption(result)
        else:
            _print_outcome(result)
    raise typer.Exit(result.exit_code)


def _print_outcome(result: RunResult) -> None:
    """Say what came out of a run, where it lies and what to type next."""
    from analysis.tables.points.leaderboard import leaderboard_table
    from study.inspection.gpu_packing import packing_hint

    name, folder = result.paths.name, short_path(result.paths.folder)
    leaderboard = leaderboard_table(results_of(name, storage=result.paths.storage), 10)
    print_table(leaderboard, "table")
    end = "complete" if result.reason == "complete" else f"over ({result.reason})"
    states = Counter(
        "dropped" if point.is_dropped else point.state for point in result.history.points
    )
    counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    echo(f"study {name} is {end}: {counts}")
    echo(f"results: {folder}/results: points.parquet, trials.parquet, epochs/")
    echo(f"  import study\n  results = study.load({str(folder)!r})")
    hint = packing_hint(result.history, result.gpus)
    if hint:
        echo(hint)
    where = storage_words(result.paths.storage)
    echo("next:  " + "\n       ".join(f"{step}{where}" for step in _next_steps(result)))
    if result.exit_code == 1:
        echo("no point has a usable result: study table NAME --kind failures says why", err=True)


def _print_interruption(result: RunResult) -> None:
    why = "interrupted"
    if result.reason != "interrupted":
        why = f"its budget of {result.reason} is spent"
    command = f"study resume {result.paths.name}{storage_words(result.paths.storage)}"
    echo(f"{why}; nothing is lost. Go on with: {command}")


def _next_steps(result: RunResult) -> list[str]:
    """Return commands that would show or do something more after a study."""
    from study.spec.load import load_spec

    name, spec = result.paths.name, load_spec(result.paths.spec)
    steps = [f"study report {name}"]
    if any(entry.published for entry in spec.first):
        steps.append(f"study table {name} --kind published")
    if spec.confirm:
        steps.append(f"study table {name} --kind confirmation")
    if spec.sampler.name not in ("first-only", "grid"):
        points = _more_points(len(result.history.points), len(spec.levels()))
        steps.append(f"study table {name} --kind effects")
        steps.append(f"study resume {name} --points {points}")
    return steps


def _more_points(points: int, levels: int) -> int:
    """Propose half as many points again, rounded up to equally many for each level."""
    more = points + max(10, points) // 2
    return more + -more % levels
