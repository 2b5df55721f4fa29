"""TensorBoard: a folder for each point, below it one with event files for each trial.

A trial that was mirrored to its end has a note of that beside its event files. One that has none is
written anew from the journal when a mirror goes on, so that a killed one leaves nothing twice.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from study.errors import UserError
from study.files.atomic import make_folder, write_whole
from study.inspection.export.mirrors.story import MirroredPoint, MirroredTrial, Story
from study.inspection.export.mirrors.target import Target

_NOTE = "mirrored.json"


class TensorBoard(Target):
    """Event files below a folder."""

    def __init__(self, folder: str) -> None:
        try:
            import tensorboardX  # type: ignore[import-untyped]
        except ImportError:
            raise UserError(
                "TensorBoard's writer is not installed: pip install tensorboardX"
            ) from None
        self._writer_class: Any = tensorboardX.SummaryWriter
        self._root = Path(folder).expanduser().absolute()
        self._study = self._root
        self._written: dict[int, int] = {}
        """How many epochs this mirror has written of each trial that is under way."""

    def begin(self, story: Story) -> str:
        self._study = self._root / story.name
        note = self._study / _NOTE
        if note.exists() and json.loads(note.read_text())["study"] != story.identity:
            raise UserError(
                f"--to: {self._study} is the mirror of another study of that name; name another"
                " folder"
            )
        make_folder(self._study)
        write_whole(note, json.dumps({"study": story.identity}))
        return str(self._study)

    def is_done(self, trial: MirroredTrial) -> bool:
        note = self._folder(trial) / _NOTE
        return note.exists() and json.loads(note.read_text())["stamp"] == trial.stamp

    def put_point(self, point: MirroredPoint) -> None:
        """A point is the folder of its trials."""

    def put_trial(self, trial: MirroredTrial) -> None:
        """Write what is new of a trial into an event file of its own, closed at once: a writer
        that stays open holds back what it was given.
        """
        written = self._written.get(trial.number, -1)
        if not 0 <= written <= len(trial.epochs):
            # an earlier mirror has left it, or rows were cut back as it was stopped: from the start
            shutil.rmtree(self._folder(trial), ignore_errors=True)
            written = -1
        new = trial.epochs[max(0, written) :]
        if written == len(trial.epochs) and not trial.has_ended:
            return
        folder, part = str(self._folder(trial)), f".{max(0, written):06d}"
        with self._writer_class(logdir=folder, filename_suffix=part) as writer:
            if written < 0:
                writer.add_text("settings", _as_text(trial.settings), walltime=trial.started)
            for epoch in new:
                for name, value in epoch.metrics.items():
                    writer.add_scalar(name, value, epoch.epoch, walltime=epoch.time)
            if trial.has_ended:
                writer.add_text("state", _as_text(trial.tags), walltime=trial.ended)
                for name, value in trial.figures.items():
                    writer.add_scalar(f"end/{name}", value, len(trial.epochs), trial.ended)
        self._written[trial.number] = len(trial.epochs)
        if trial.has_ended:
            write_whole(self._folder(trial) / _NOTE, json.dumps({"stamp": trial.stamp}))
            del self._written[trial.number]

    def close(self) -> None:
        """Each event file is closed as it is written."""

    def _folder(self, trial: MirroredTrial) -> Path:
        return self._study / f"point-{trial.point:05d}" / f"trial-{trial.number:05d}"


def _as_text(values: Mapping[str, Any]) -> str:
    """Return values as a block of Markdown, one a line."""
    return "\n".join(f"    {name} = {value}" for name, value in values.items())
