"""One training of one's own function in a folder of its own, without a study.

It can be interrupted and gone on with. The folder holds

config.json      the config that the function is called with
checkpoints/     the two newest states that it has reported
epochs.jsonl     a line an epoch
kept/            what it has kept
figures.json     how long it took, once it has ended
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.errors import UserError
from study.files.atomic import make_folder, write_whole
from study.files.local_storage import LocalPath
from study.files.plain_data import tree_differences
from study.training.checkpoint import Checkpoints
from study.training.own.run import train_function
from study.training.own.surroundings import OwnRow
from study.training.standalone import TrainingFolder
from study.training.summary import Outcome


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
