"""What the commands share: the application, their common options, and how they show a table.

Everything heavy is imported where it is used: ``study --help`` and a study file with faults load
neither torch nor Ray.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from analysis.results import Results
    from study.files.storage import StorageLike, StoragePath

STUDIES = "studies"

app = typer.Typer(
    name="study",
    help="Hyperparameter studies that are never lost: run, resume, look, compare.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

File = Annotated[
    str, typer.Argument(metavar="FILE", help="A study file, or the name of a shipped study.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The study's name.")]
Storage = Annotated[
    str,
    typer.Option(
        "--storage", help="What holds the studies: a folder, or s3://BUCKET/PREFIX (gs, az)."
    ),
]
NewName = Annotated[str | None, typer.Option("--name", help="Another name for the study.")]
DataDir = Annotated[
    str | None,
    typer.Option(
        "--data-dir", envvar="STUDY_DATA_DIR", help="Where the images lie; ./data by default."
    ),
]
Address = Annotated[
    str | None,
    typer.Option("--address", help="A Ray cluster to run on; a Ray of the study's own without it."),
]
Jobs = Annotated[
    str | None,
    typer.Option(
        "--address",
        envvar="RAY_ADDRESS",
        help="The dashboard of a Ray cluster, as http://HEAD:8265.",
    ),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Show what comes until it ends.")]
Wait = Annotated[
    bool, typer.Option("--wait", help="Show what comes, and exit with the study's own code.")
]
WaitForNodes = Annotated[
    bool,
    typer.Option("--wait-for-nodes", help="Wait where the cluster has no room yet: it will grow."),
]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", help="Don't stop when the same failure repeats.")
]
AcceptLoss = Annotated[
    bool, typer.Option("--accept-loss", help="Go on though the journal has lost records.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override any key of the study file."),
]
Points = Annotated[
    int | None, typer.Option("--points", help="How many points the study may propose.")
]
Replicates = Annotated[
    int | None, typer.Option("--replicates", help="How many seeds each point is trained with.")
]
Format = Annotated[str, typer.Option("--format", help="table, json, csv, markdown or latex.")]
To = Annotated[str | None, typer.Option("--to", help="Where to write it.")]


def results_of(name: str, storage: StorageLike) -> Results:
    """A study's tables, by its name."""
    from analysis.results import load
    from study.lifecycle import existing

    return load(existing(name, storage))


def show(shown: Any, form: str) -> None:
    """A table on standard output, in the form asked for."""
    from analysis.rendering import FORMS
    from study.cli.progress import output

    check_format(form, FORMS)
    console = output()
    if form == "table" and console.is_terminal:
        console.print(shown.rich())
    else:
        typer.echo(shown.render(form), nl=False)


def check_format(form: str, forms: Any) -> None:
    from search_spaces.validation import alternatives, closest_match
    from study.errors import UserError

    if form not in forms:
        guess = closest_match(form, forms)
        hint = f" (did you mean {guess}?)" if guess else ""
        raise UserError(f"--format: must be one of {alternatives(forms)}; found {form!r:.60}{hint}")


def shown_path(path: Path | StoragePath) -> Path | StoragePath:
    """The path relative to the current folder where it lies below that."""
    from study.files.storage_uri import path_as_written

    local = path_as_written(path).local_path()
    if local is None or not local.is_relative_to(Path.cwd()):
        return path
    return local.relative_to(Path.cwd())


def storage_option(storage: StoragePath) -> str:
    """What has to be added to a command so that it finds the study again."""
    from study.files.storage_uri import storage_path

    return "" if storage == storage_path(STUDIES) else f" --storage {storage}"
