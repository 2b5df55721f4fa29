"""One training of one recipe in a folder of its own, without a study: started, interrupted, gone on
with.

FOLDER/recipe.yaml      the recipe, every value written out
FOLDER/checkpoints/     the two newest
FOLDER/epochs.jsonl     a line an epoch
FOLDER/figures.json     the whole training's figures, once it has ended
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from study.errors import UserError
from study.files.atomic import make_folder, write_whole
from study.files.local_storage import LocalPath
from study.files.yaml_writer import write_yaml
from study.training.checkpoint import Checkpoints
from study.training.loop import Outcome, Row, train
from study.training.recipe.file import read_recipe
from study.training.recipe.recipe import Recipe, flatten


class Session:
    """The files of one training."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recipe = folder / "recipe.yaml"
        self.checkpoints = LocalPath(folder / "checkpoints")
        self.epochs = folder / "epochs.jsonl"
        self.figures = folder / "figures.json"

    def rows(self) -> list[Row]:
        """The epochs written so far. A last line that a crash cut short is taken away: its epoch is
        reported again.
        """
        if not self.epochs.exists():
            return []
        content = self.epochs.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            write_whole(self.epochs, whole)
        return [json.loads(line) for line in whole.splitlines()]

    def add(self, row: Row) -> None:
        with open(os.open(self.epochs, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def outcome(self) -> Outcome | None:
        """What an ended training came to; None while it hasn't ended."""
        if not self.figures.exists():
            return None
        ended: dict[str, Any] = json.loads(self.figures.read_text())
        return Outcome(ended.pop("stop_reason"), ended)


def train_recipe_file(
    recipe: Recipe,
    folder: Path,
    *,
    device: str = "cpu",
    data_dir: str | Path | None = None,
    show: Callable[[Row], None] = lambda row: None,
) -> Outcome:
    """Train ``recipe`` in ``folder``, or go on with what was interrupted there; ``show`` gets each
    new epoch's row.

    A training that has ended is not repeated: its outcome is read back. Another recipe in the
    folder is a UserError that names the differences. Ctrl-C (KeyboardInterrupt) passes through; the
    last epoch's checkpoint counts.
    """
    session = Session(folder)
    make_folder(folder)
    _begin(session, recipe)
    if ended := session.outcome():
        return ended

    def report(row: Row) -> bool:
        del row["last"]  # the figures say that
        session.add(row)
        show(row)
        return True

    outcome = train(
        recipe,
        device=device,
        report=report,
        checkpoint=Checkpoints(session.checkpoints),
        data_dir=data_dir,
        reported=len(session.rows()),
    )
    write_whole(
        session.figures,
        json.dumps({"stop_reason": outcome.stop_reason, **outcome.summary}, indent=2) + "\n",
    )
    return outcome


def _begin(session: Session, recipe: Recipe) -> None:
    """Write the recipe, or see that it is the one that is there."""
    text = write_yaml(recipe.model_dump(mode="json"))
    if not session.recipe.exists():
        write_whole(session.recipe, text)
    elif session.recipe.read_text() != text:
        theirs, ours = flatten(read_recipe(session.recipe)), flatten(recipe)
        paths = sorted(
            path for path in theirs.keys() | ours.keys() if theirs.get(path) != ours.get(path)
        )
        differences = "; ".join(
            f"{path}: {theirs.get(path)} there, {ours.get(path)} now" for path in paths
        )
        raise UserError(
            f"{session.folder} holds a training of another recipe ({differences}); choose another"
            " folder"
        )
