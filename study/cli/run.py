"""Commands that train: run, resume, retry, train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from study.cli.options import (
    STUDIES,
    AcceptLoss,
    Address,
    DataDir,
    File,
    Jobs,
    KeepGoing,
    Name,
    NewName,
    Points,
    Replicates,
    Sets,
    Storage,
    Wait,
    WaitForNodes,
    app,
    results_of,
    show,
    shown_path,
    storage_option,
)

if TYPE_CHECKING:
    from study.execution.run import RunResult


@app.command()
def run(
    file: File,
    storage: Storage = STUDIES,
    name: NewName = None,
    sets: Sets = None,
    points: Points = None,
    data_dir: DataDir = None,
    address: Address = None,
    keep_going: KeepGoing = False,
    wait_for_nodes: WaitForNodes = False,
) -> None:
    """Run a study to its end; one that exists with the same file is resumed."""
    from study import lifecycle

    session = session_of(data_dir, address, keep_going, wait_for_nodes)
    farewell(
        lifecycle.run(file, storage=storage, name=name, sets=sets or (), points=points, **session)
    )


@app.command()
def resume(
    name: Name,
    storage: Storage = STUDIES,
    points: Points = None,
    replicates: Replicates = None,
    sets: Sets = None,
    data_dir: DataDir = None,
    address: Jobs = None,
    keep_going: KeepGoing = False,
    accept_loss: AcceptLoss = False,
    wait_for_nodes: WaitForNodes = False,
    wait: Wait = False,
) -> None:
    """Go on with a study that was interrupted, or extend one: more points, more seeds, more epochs,
    a wider space.

    With a cluster's dashboard as its address, a job there goes on with it.
    """
    from study import lifecycle

    more: dict[str, Any] = {"points": points, "replicates": replicates, "sets": sets or ()}
    if address and address.startswith("http"):
        from study.cli.submit import resume_job

        session: dict[str, Any] = {
            "data_dir": data_dir,
            "keep_going": keep_going,
            "accept_loss": accept_loss,
        }
        resume_job(name, storage, address, more, session | {"wait_for_nodes": wait_for_nodes}, wait)
        return
    session = session_of(data_dir, address, keep_going, wait_for_nodes)
    farewell(lifecycle.resume(name, storage=storage, accept_loss=accept_loss, **more, **session))


@app.command()
def retry(
    name: Name,
    failed: Annotated[bool, typer.Option("--failed", help="All failed trials.")] = False,
    trial: Annotated[
        list[int] | None, typer.Option("--trial", help="A failed trial's number (repeatable).")
    ] = None,
    storage: Storage = STUDIES,
    data_dir: DataDir = None,
    address: Address = None,
    keep_going: KeepGoing = False,
    wait_for_nodes: WaitForNodes = False,
) -> None:
    """Run failed trials again, once what they failed of is mended; what they were stays on
    record.
    """
    from study import lifecycle
    from study.errors import UserError

    if failed == bool(trial):
        raise UserError(
            "say which trials to run again: --failed for all that failed, or --trial NUMBER"
        )
    session = session_of(data_dir, address, keep_going, wait_for_nodes)
    farewell(lifecycle.retry(name, trial or None, storage=storage, **session))


def session_of(
    data_dir: str | None, address: str | None, keep_going: bool, wait_for_nodes: bool
) -> dict[str, Any]:
    """The options that concern the session alone."""
    from study.cli.progress import display_on, output

    told = {
        "data_dir": data_dir,
        "address": address,
        "keep_going": keep_going,
        "wait_for_nodes": wait_for_nodes,
    }
    return {**told, "display": display_on(output())}


@app.command()
def train(
    file: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE.yaml", help="A recipe file: what `recipe:` holds in a study."
        ),
    ],
    sets: Sets = None,
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
    data_dir: DataDir = None,
) -> None:
    """Train one recipe without a study; interrupted, the same command goes on from the last
    checkpoint.
    """
    from study.training.recipe.file import read_recipe

    recipe = read_recipe(file, sets or ())
    folder = Path(to) if to else Path("trainings") / Path(file).stem
    import torch

    from study.errors import UserError
    from study.training.runtime.device import resolve_device
    from study.training.runtime.failures import TrainingFailure
    from study.training.standalone import train_recipe_file

    if threads:
        torch.set_num_threads(threads)
    try:
        resolve_device(device)
    except TrainingFailure as failure:
        raise UserError(f"--device: {failure.message}") from None
    try:
        outcome = train_recipe_file(recipe, folder, device=device, data_dir=data_dir, show=show_row)
    except TrainingFailure as failure:
        typer.echo(f"{failure.failure_class}: {failure.message}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo(
            f"interrupted; the same command goes on from the last epoch in {folder}", err=True
        )
        raise typer.Exit(130) from None
    typer.echo(f"ended by {outcome.stop_reason}; figures in {folder}/figures.json")
    for figure in ("test_accuracy", "test_loss", "best_epoch", "parameters", "total_seconds"):
        if figure in outcome.summary:
            typer.echo(f"  {figure}: {outcome.summary[figure]}")


def show_row(row: Any) -> None:
    """An epoch as a line."""
    figures = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "seconds")
    cells = [
        f"{figure} {row[figure]:.4g}" for figure in figures if isinstance(row.get(figure), float)
    ]
    typer.echo(f"epoch {row['epoch']}  " + "  ".join(cells))


def _next_steps(ended: RunResult) -> list[str]:
    """Commands that would show or do something more after a study."""
    from study.spec.load import load_spec

    name, spec, points = ended.paths.name, load_spec(ended.paths.spec), len(ended.history.points)
    steps = [f"study report {name}"]
    if any(entry.published for entry in spec.first):
        steps.append(f"study table {name} --kind published")
    if spec.confirm:
        steps.append(f"study table {name} --kind confirmation")
    if spec.sampler.name not in ("first-only", "grid"):
        more = max(10, points) // 2 + points
        whole = more + -more % len(spec.levels())
        steps += [f"study table {name} --kind effects", f"study resume {name} --points {whole}"]
    return steps


def farewell(ended: RunResult) -> None:
    """The end of a session: what came out, where it lies, what to type next."""
    from analysis.tables.points.leaderboard import leaderboard_table
    from study.inspection.gpu_packing import packing_hint

    name, folder = ended.paths.name, shown_path(ended.paths.folder)
    where = storage_option(ended.paths.storage)
    if ended.exit_code == 130:
        why = (
            "interrupted"
            if ended.reason == "interrupted"
            else f"its budget of {ended.reason} is spent"
        )
        typer.echo(f"{why}; nothing is lost. Go on with: study resume {name}{where}")
        raise typer.Exit(130)
    show(leaderboard_table(results_of(name, storage=ended.paths.storage), 10), "table")
    states = [point.state for point in ended.history.points]
    counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
    typer.echo(
        f"study {name} is {'complete' if ended.reason == 'complete' else f'over ({ended.reason})'}:"
        f" {counts}"
    )
    typer.echo(f"results: {folder}/results: points.parquet, trials.parquet, epochs/")
    typer.echo(f"  import analysis\n  trials = analysis.load({str(folder)!r}).trials")
    hint = packing_hint(ended.history, ended.gpus)
    if hint:
        typer.echo(hint)
    typer.echo("next:  " + "\n       ".join(f"{step}{where}" for step in _next_steps(ended)))
    if ended.exit_code == 1:
        typer.echo(
            "no point has a usable result: study table NAME --kind failures says why", err=True
        )
    raise typer.Exit(ended.exit_code)
