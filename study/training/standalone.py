"""One training in a folder of its own, without a study: of a recipe, or by a function of one's own.

It can be interrupted and gone on with. The folder holds

recipe.yaml      the recipe, every value written out; for a function its config.json
checkpoints/     the two newest
epochs.jsonl     a line an epoch
figures.json     the whole training's figures, once it has ended
kept/            what a function has kept
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.errors import UserError
from study.files.atomic import make_folder, write_whole
from study.files.local_storage import LocalPath
from study.files.plain_data import tree_differences
from study.files.yaml_writer import write_yaml
from study.training.checkpoint import Checkpoints
from study.training.epoch_row import EpochRow
from study.training.loop import train
from study.training.own.run import train_function
from study.training.own.state import SavingPace
from study.training.own.surroundings import OwnRow
from study.training.recipe.file import read_recipe
from study.training.recipe.recipe import Recipe
from study.training.recipe.recipe_paths import flatten
from study.training.runtime.progress import TrainingProgress
from study.training.summary import Outcome


class TrainingFolder:
    """The files of one training."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recipe = folder / "recipe.yaml"
        self.checkpoints = LocalPath(folder / "checkpoints")
        self.epochs = folder / "epochs.jsonl"
        self.figures = folder / "figures.json"

    def read_rows(self) -> list[EpochRow]:
        """Read the rows of the epochs so far.

        A last line that a crash cut short is removed, so that its epoch is reported again.
        """
        if not self.epochs.exists():
            return []
        content = self.epochs.read_bytes()
        whole_lines = content[: content.rfind(b"\n") + 1]
        if whole_lines != content:
            write_whole(self.epochs, whole_lines)
        return [json.loads(line) for line in whole_lines.splitlines()]

    def append_row(self, row: EpochRow) -> None:
        """Append an epoch's row durably."""
        descriptor = os.open(self.epochs, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(descriptor, "a") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def read_outcome(self) -> Outcome | None:
        """Read what the training came to; None while it hasn't ended."""
        if not self.figures.exists():
            return None
        figures: dict[str, Any] = json.loads(self.figures.read_text())
        return Outcome(figures.pop("stop_reason"), figures)

    def write_outcome(self, outcome: Outcome) -> None:
        """Write what the training came to."""
        figures = {"stop_reason": outcome.stop_reason, **outcome.summary}
        write_whole(self.figures, json.dumps(figures, indent=2) + "\n")

    def keep_recipe(self, recipe: Recipe) -> None:
        """Write the recipe, or raise a UserError where another one is there."""
        text = write_yaml(recipe.model_dump(mode="json"))
        if not self.recipe.exists():
            write_whole(self.recipe, text)
        elif self.recipe.read_text() != text:
            differences = _differences(read_recipe(self.recipe), recipe)
            raise UserError(
                f"{self.folder} holds a training of another recipe ({differences}); choose another"
                " folder"
            )


def train_recipe_file(
    recipe: Recipe,
    folder: Path,
    *,
    device: str = "cpu",
    data_dir: str | Path | None = None,
    show: Callable[[EpochRow], None] = lambda row: None,
    progress: TrainingProgress | None = None,
) -> Outcome:
    """Train ``recipe`` in ``folder``, or go on with what was interrupted there.

    ``show`` gets each new epoch's row, ``progress`` is told what the training is at. A training
    that has ended is not repeated: its outcome is read back. Another recipe in the folder is a
    UserError that names the differences. Ctrl-C
    (KeyboardInterrupt) passes through; the newest checkpoint stays.
    """
    files = TrainingFolder(folder)
    make_folder(folder)
    files.keep_recipe(recipe)
    if ended := files.read_outcome():
        return ended

    def report(row: EpochRow) -> bool:
        without_last = {name: value for name, value in row.items() if name != "last"}
        files.append_row(without_last)
        show(without_last)
        return True

    outcome = train(
        recipe,
        device=device,
        report=report,
        checkpoint=Checkpoints(files.checkpoints),
        data_dir=data_dir,
        reported=len(files.read_rows()),
        progress=progress,
        pace=SavingPace(),
    )
    files.write_outcome(outcome)
    return outcome


def _differences(theirs: Recipe, ours: Recipe) -> str:
    """List the values in which two recipes differ, by path."""
    there, here = flatten(theirs), flatten(ours)
    paths = sorted(there.keys() | here.keys())
    return "; ".join(
        f"{path}: {there.get(path)} there, {here.get(path)} now"
        for path in paths
        if there.get(path) != here.get(path)
    )


# -- a function of one's own ------------------------------------------------------------


@dataclass(frozen=True)
class OwnConfig:
    """A function of one's own, and what it is called with."""

    train: str
    """``package.module:function``."""
    config: Mapping[str, Any]
    objectives: tuple[str, ...] = ()
    """The metrics that it must report."""
    epochs: int | None = None
    """How many reports there will be, as far as that is known."""


def train_config(
    own: OwnConfig,
    folder: Path,
    *,
    device: str = "cpu",
    data_dir: str | Path | None = None,
    show: Callable[[OwnRow], None] = lambda row: None,
) -> Outcome:
    """Call a function with its config and the seed 0, or go on with what was interrupted in
    ``folder``.

    ``show`` gets each new epoch's row. A training that has ended is not repeated: its outcome is
    read back. Another config in the folder is a UserError that names the differences.
    """
    files = TrainingFolder(folder)
    make_folder(folder)
    _keep_config(folder / "config.json", {"train": own.train, "config": dict(own.config)})
    if ended := files.read_outcome():
        return ended

    def report(row: OwnRow) -> bool:
        without_last: Any = {name: value for name, value in row.items() if name != "last"}
        files.append_row(without_last)
        show(without_last)
        return True

    outcome = train_function(
        own.train,
        own.config,
        seed=0,
        device=device,
        report=report,
        checkpoint=Checkpoints(files.checkpoints),
        reported=len(files.read_rows()),
        objectives=own.objectives,
        epochs=own.epochs,
        data_dir=data_dir,
        kept=LocalPath(folder / "kept"),
    )
    files.write_outcome(outcome)
    return outcome


def _keep_config(path: Path, content: Mapping[str, Any]) -> None:
    """Write what is trained, or raise a UserError where something else is."""
    if not path.exists():
        write_whole(path, json.dumps(content, indent=2) + "\n")
        return
    differences = tree_differences(json.loads(path.read_text()), content)
    if differences:
        raise UserError(
            f"{path.parent} holds a training of another config ({'; '.join(differences)}); choose"
            " another folder"
        )
