"""The command that trains one recipe without a study."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from study.cli.answers import answer
from study.cli.options import DataDirOption, app, echo, standard_output


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

    from study.cli.training.display import TrainingDisplay
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
    answer(folder=str(folder), stop_reason=outcome.stop_reason, figures=dict(outcome.summary))
    echo(f"ended by {outcome.stop_reason}; figures in {folder}/figures.json")
    for figure in ("test_accuracy", "test_loss", "best_epoch", "parameters", "total_seconds"):
        if figure in outcome.summary:
            echo(f"  {figure}: {outcome.summary[figure]}")


def _show_metrics(row: Mapping[str, Any]) -> None:
    """Print what an own training has reported as a line."""
    cells = [f"{name} {row[name]:.4g}" for name in row if isinstance(row[name], float)]
    echo(f"epoch {row['epoch']}  " + "  ".join(cells))
