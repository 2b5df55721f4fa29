"""What the commands share: the application, their common options, and how they print a table.

Everything heavy is imported where it is used: ``study --help`` and a study file with faults load
neither torch nor Ray.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer.core import TyperGroup

from study.cli.answers import collect, is_collecting, print_json, with_format
from study.errors import Interrupted
from study.files.visible_text import visible

if TYPE_CHECKING:
    from rich.console import Console

    from analysis.rendering import Table
    from analysis.results import Results
    from study.files.storage import StorageLike, StoragePath

STUDIES = "studies"
"""Where studies are kept by default."""

T = TypeVar("T")


class _Commands(TyperGroup):
    """The commands; Ctrl-C in any of them is our own error, so that it has our own message."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted("interrupted") from None


class _App(typer.Typer):
    """The application, whose commands all have ``--format``."""

    def command(  # type: ignore[override] # its options go through as they are
        self, name: str | None = None, **settings: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        register = super().command(name, **settings)

        def registered(function: Callable[..., Any]) -> Callable[..., Any]:
            register(with_format(function, name or function.__name__))
            return function

        return registered


app = _App(
    name="study",
    cls=_Commands,
    help="Hyperparameter studies that are never lost: run, resume, look, compare.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        echo(f"ray-study {version('ray-study')}")
        raise typer.Exit


@app.callback()
def _before_commands(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version."
        ),
    ] = False,
) -> None:
    """Take the options that stand before a command."""


FileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="A study file, or the name of a shipped study.")
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The study's name.")]
StorageOption = Annotated[
    str,
    typer.Option(
        "--storage", help="What holds the studies: a folder, or s3://BUCKET/PREFIX (gs, az)."
    ),
]
NewNameOption = Annotated[str | None, typer.Option("--name", help="Another name for the study.")]
DataDirOption = Annotated[
    str | None,
    typer.Option(
        "--data-dir", envvar="STUDY_DATA_DIR", help="Where the images lie; ./data by default."
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option("--address", help="A Ray cluster to run on; a Ray of the study's own without it."),
]
DashboardOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        envvar="RAY_ADDRESS",
        help="The dashboard of a Ray cluster, as http://HEAD:8265.",
    ),
]
FollowOption = Annotated[
    bool, typer.Option("--follow", "-f", help="Show what comes until it ends.")
]
WaitOption = Annotated[
    bool, typer.Option("--wait", help="Show what comes, and exit with the study's own code.")
]
WaitForNodesOption = Annotated[
    bool,
    typer.Option("--wait-for-nodes", help="Ask a cluster that grows for room, and wait for it."),
]
KeepGoingOption = Annotated[
    bool, typer.Option("--keep-going", help="Don't stop when the same failure repeats.")
]
NoImportOption = Annotated[
    bool,
    typer.Option("--no-import", help="Don't look at own modules that the file names."),
]
TrustOption = Annotated[
    bool,
    typer.Option("--trust", help="Run the code that the study names, whoever started it."),
]
AcceptLossOption = Annotated[
    bool, typer.Option("--accept-loss", help="Go on though the journal has lost records.")
]
AcceptChangeOption = Annotated[
    bool,
    typer.Option("--accept-change", help="Go on though the code of your own training has changed."),
]
SetsOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override any key of the study file."),
]
PointsOption = Annotated[
    int | None, typer.Option("--points", help="How many points the study may propose.")
]
ReplicatesOption = Annotated[
    int | None, typer.Option("--replicates", help="How many seeds each point is trained with.")
]
FormatOption = Annotated[str, typer.Option("--format", help="table, json, csv, markdown or latex.")]
ToOption = Annotated[str | None, typer.Option("--to", help="Where to write it.")]


def echo(text: object = "", *, nl: bool = True, err: bool = False) -> None:
    """Print a text so that nothing of it acts on the terminal: it may hold anything."""
    if is_collecting() and not err:
        collect(str(text))
        return
    typer.echo(visible(str(text)), nl=nl, err=err)


def results_of(name: str, storage: StorageLike) -> Results:
    """Load a study's tables by its name."""
    from analysis.results import load
    from study.files.layout import existing

    return load(existing(name, storage))


def print_table(table: Table, form: str) -> None:
    """Print a table in the form that was asked for. Raises UserError where there is none such."""
    from analysis.rendering import FORMS

    check_format(form, FORMS)
    if is_collecting():
        return  # what a program gets instead are the command's facts
    if form == "json":
        print_json(json.loads(table.json()))
        return
    console = standard_output()
    if form == "table" and console.is_terminal:
        console.print(table.rich(console.width))
    else:
        echo(table.render(form), nl=False)


def standard_output() -> Console:
    """Return the console for what commands show; colors and width follow the terminal."""
    from rich.console import Console

    return Console(file=sys.stderr if is_collecting() else sys.stdout)


def can_ask() -> bool:
    """Return whether somebody is there to be asked."""
    return sys.stdin.isatty() and not is_collecting()


def check_format(form: str, forms: Collection[str]) -> None:
    """Raise UserError where ``--format`` is none of ``forms``."""
    from search_spaces.validation import alternatives, closest_match
    from study.errors import UserError

    if form not in forms:
        guess = closest_match(form, forms)
        hint = f" (did you mean {guess}?)" if guess else ""
        raise UserError(f"--format: must be one of {alternatives(forms)}; found {form!r:.60}{hint}")


def with_trust(act: Callable[[bool], T], trust: bool) -> T:
    """Return what ``act`` does; ask the user once where it would run code that isn't trusted yet.

    ``act`` takes whether the code is trusted. Raises Untrusted where there is no terminal to ask
    on.
    """
    from study.errors import Untrusted

    try:
        return act(trust)
    except Untrusted as untrusted:
        if not can_ask():
            raise
        echo(str(untrusted), err=True)
    typer.confirm("Run it?", abort=True)
    return act(True)


def short_path(path: Path | StoragePath) -> Path | StoragePath:
    """Return the path relative to the current folder where it lies below that."""
    from study.files.storage_uri import path_as_written

    local = path_as_written(path).local_path()
    if local is None or not local.is_relative_to(Path.cwd()):
        return path
    return local.relative_to(Path.cwd())
