"""Commands that account for decisions: explain."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from study.cli.options import STUDIES, NameArgument, StorageOption, app, check_format, echo


@app.command()
def explain(
    name: NameArgument,
    trial: Annotated[
        int, typer.Option("--trial", help="Why this trial was stopped, or how it ended.")
    ],
    storage: StorageOption = STUDIES,
    form: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Say why a trial was stopped: the rule, its rivals, and what would have been enough."""
    from study.inspection.explain.explain import Explanations
    from study.lifecycle import existing

    check_format(form, ("table", "json"))
    explanation = Explanations(existing(name, storage)).of_trial(trial)
    if form == "json":
        echo(json.dumps(explanation.tree(), indent=2))
    else:
        echo("\n".join(explanation.lines()))
