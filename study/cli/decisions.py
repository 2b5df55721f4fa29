"""Commands that account for decisions: explain, replay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from study.cli.answers import print_json
from study.cli.options import (
    STUDIES,
    FormatOption,
    NameArgument,
    StorageOption,
    app,
    check_format,
    echo,
    print_table,
)

if TYPE_CHECKING:
    from study.inspection.decisions.explain.explain import Explanation


@app.command()
def explain(
    name: NameArgument,
    trial: Annotated[
        int | None, typer.Option("--trial", help="Why this trial was stopped, or how it ended.")
    ] = None,
    point: Annotated[
        int | None, typer.Option("--point", help="How this point came to be proposed.")
    ] = None,
    storage: StorageOption = STUDIES,
    form: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Say why a trial was stopped or how it ended, or how a point came to be proposed."""
    from study.errors import UserError
    from study.files.layout import existing
    from study.inspection.decisions.explain.explain import Explanations

    check_format(form, ("table", "json"))
    if (trial is None) == (point is None):
        raise UserError("explain needs either --trial N or --point N")
    explanations = Explanations(existing(name, storage))
    explanation: Explanation = (
        explanations.of_trial(trial) if trial is not None else explanations.of_point(point or 0)
    )
    if form == "json":
        print_json(explanation.tree())
    else:
        echo(explanation)


@app.command()
def replay(
    name: NameArgument,
    pruners: Annotated[
        list[str],
        typer.Option(
            "--pruner",
            metavar="SPEC",
            help="As in a study file: a name, or '{name: asha, reduction: 4}' (repeatable).",
        ),
    ],
    storage: StorageOption = STUDIES,
    form: FormatOption = "table",
    plot: Annotated[
        str | None, typer.Option("--plot", metavar="FILE.svg", help="Where to draw it.")
    ] = None,
) -> None:
    """Say what the same points would have cost and found under other pruners."""
    from analysis.plots.replays import replays_plot
    from analysis.rendering import FORMS
    from analysis.tables.replays import replays_table
    from study.files.layout import existing
    from study.inspection.decisions.replay.replay import replay as outcomes_of

    check_format(form, FORMS)
    rows = [outcome.tree() for outcome in outcomes_of(existing(name, storage), pruners)]
    if plot is not None:
        Path(plot).write_text(replays_plot(rows).file())
    if form == "json":
        print_json({"rules": rows})
    else:
        print_table(replays_table(rows), form)
