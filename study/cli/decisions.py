"""Commands that account for decisions: explain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from study.cli.options import STUDIES, NameArgument, StorageOption, app, check_format, echo

if TYPE_CHECKING:
    from study.inspection.explain.explain import Explanation


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
    from study.inspection.explain.explain import Explanations
    from study.lifecycle import existing

    check_format(form, ("table", "json"))
    if (trial is None) == (point is None):
        raise UserError("explain needs either --trial N or --point N")
    explanations = Explanations(existing(name, storage))
    explanation: Explanation = (
        explanations.of_trial(trial) if trial is not None else explanations.of_point(point or 0)
    )
    if form == "json":
        echo(json.dumps(explanation.tree(), indent=2))
    else:
        echo("\n".join(explanation.lines()))
