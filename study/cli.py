"""The command line: ``study run``, ``resume``, ``table`` … What a command does is elsewhere; here it is only said.

Everything is imported where it is used: ``study --help`` and a study file with faults load neither torch nor Ray.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from study.errors import StudyError

if TYPE_CHECKING:
    from study.run import Ended

app = typer.Typer(
    name="study",
    help="Hyperparameter studies that are never lost: run, resume, look, compare.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Storage = Annotated[str, typer.Option("--storage", help="The folder that holds the studies.")]
DataDir = Annotated[
    str | None, typer.Option("--data-dir", envvar="STUDY_DATA_DIR", help="Where the images lie (default ./data).")
]
KeepGoing = Annotated[bool, typer.Option("--keep-going", help="Don't stop when the same failure repeats.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Override any key of the study file.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The study's name.")]
Points = Annotated[int | None, typer.Option("--points", help="How many points the study may propose.")]
Format = Annotated[str, typer.Option("--format", help="table, json, csv, markdown or latex.")]
STUDIES = "studies"


@app.command()
def run(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A study file, or the name of a shipped study.")],
    storage: Storage = STUDIES,
    name: Annotated[str | None, typer.Option("--name", help="Another name for the study.")] = None,
    sets: Sets = None,
    points: Points = None,
    data_dir: DataDir = None,
    keep_going: KeepGoing = False,
) -> None:
    """Run a study to its end; one that exists with the same file is resumed."""
    from study import api
    from study.progress import output, watcher

    options = {"storage": storage, "data_dir": data_dir, "keep_going": keep_going}
    ended = api.run(file, name=name, sets=sets or (), points=points, watcher=watcher(output()), **options)
    farewell(ended)


@app.command()
def resume(
    name: Name,
    storage: Storage = STUDIES,
    data_dir: DataDir = None,
    keep_going: KeepGoing = False,
) -> None:
    """Go on with a study that was interrupted."""
    from study import api
    from study.progress import output, watcher

    farewell(api.resume(name, storage=storage, data_dir=data_dir, keep_going=keep_going, watcher=watcher(output())))


@app.command()
def remove(
    name: Name,
    storage: Storage = STUDIES,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Delete a study and all its results."""
    from study import run as running

    paths = running.existing(name, storage)
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("without a terminal to ask on, say --yes", param_hint="--yes")
        typer.confirm(f"Delete {paths.folder} and everything in it?", abort=True)
    running.remove(name, storage=storage)
    typer.echo(f"removed {name}")


@app.command()
def table(
    name: Name,
    storage: Storage = STUDIES,
    top: Annotated[int, typer.Option("--top", help="How many rows.")] = 20,
    form: Format = "table",
) -> None:
    """Show a study's best points."""
    from study import api

    show(api.load(name, storage=storage).leaderboard(top), form)


@app.command()
def collect(name: Name, storage: Storage = STUDIES) -> None:
    """Write a study's Parquet files anew from its journal."""
    from analysis.collect import collect as consolidate
    from study.run import existing

    paths = existing(name, storage)
    consolidate(paths)
    typer.echo(f"wrote {paths.results}")


def show(shown: Any, form: str) -> None:
    """A table on standard output, in the form asked for."""
    from analysis.table import FORMS
    from study.progress import output

    if form not in FORMS:
        raise typer.BadParameter(f"must be one of {', '.join(FORMS)}; found {form!r}", param_hint="--format")
    console = output()
    if form == "table" and console.is_terminal:
        console.print(shown.rich())
    else:
        typer.echo(shown.render(form), nl=False)


def farewell(ended: Ended) -> None:
    """The end of a run: what came out, where it lies, what to type next."""
    from study import api

    name, folder = ended.paths.name, shown_path(ended.paths.folder)
    if ended.exit_code == 130:
        why = "interrupted" if ended.reason == "interrupted" else f"stopped: its {ended.reason} are spent"
        typer.echo(f"{why}; nothing is lost. Go on with: study resume {name}{storage_option(ended)}")
        raise typer.Exit(130)
    show(api.load(name, storage=ended.paths.storage).leaderboard(10), "table")
    counts = count_states(ended)
    typer.echo(f"study {name} is {'complete' if ended.reason == 'complete' else f'over ({ended.reason})'}: {counts}")
    typer.echo(f"results: {folder}/results (points.parquet, trials.parquet, epochs/)")
    typer.echo(f"  import analysis\n  trials = analysis.load({str(folder)!r}).trials")
    typer.echo(f"next:  study table {name}   study report {name}   study resume {name} --points MORE")
    if ended.exit_code:
        typer.echo("no point has a usable result", err=True)
        raise typer.Exit(ended.exit_code)


def count_states(ended: Ended) -> str:
    states = [point.state for point in ended.history.points]
    return ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))


def shown_path(path: Path) -> Path:
    """Relative to here where it is below here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def storage_option(ended: Ended) -> str:
    storage = ended.paths.storage
    return "" if storage == Path(STUDIES).resolve() else f" --storage {storage}"


def main() -> None:
    """The console script: a user's mistake is plain lines and an exit code, never a traceback."""
    try:
        app()
    except StudyError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
