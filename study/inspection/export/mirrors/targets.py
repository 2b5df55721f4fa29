"""Where a study can be mirrored to, as ``--to`` writes it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from study.errors import UserError
from study.inspection.export.mirrors.story import MirroredPoint, MirroredTrial, Story

FORMS = "mlflow://HOST:PORT | mlflow:URI | wandb[:[ENTITY/]PROJECT] | tensorboard[:FOLDER]"


class Target(ABC):
    """A place that takes a study. Each call may be repeated: nothing is there twice.

    What was mirrored is known to the place itself, or kept beside it.
    """

    @abstractmethod
    def begin(self, story: Story) -> str:
        """Find the study's place, or make it; return where to look. UserError where another study
        of that name is there.
        """

    @abstractmethod
    def is_done(self, trial: MirroredTrial) -> bool:
        """Whether the trial, as it stands, is there whole."""

    @abstractmethod
    def put_point(self, point: MirroredPoint) -> None:
        """Bring a point up to date, without its trials."""

    @abstractmethod
    def put_trial(self, trial: MirroredTrial) -> None:
        """Bring a trial up to date: what is missing of its epochs, its state, its artifacts."""

    @abstractmethod
    def close(self) -> None:
        """Write what is held back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def target_of(text: str, name: str) -> Target:
    """Return what ``--to`` names, for a study of this name.

    Raises UserError where it is none, or its library isn't installed.
    """
    kind, _, rest = text.partition(":")
    match kind:
        case "tensorboard":
            from study.inspection.export.mirrors.tensorboard import TensorBoard

            return TensorBoard(rest.removeprefix("//") or "tensorboard")
        case "mlflow":
            from study.inspection.export.mirrors.mlflow import Mlflow

            return Mlflow(_tracking_uri(rest))
        case "wandb":
            from study.inspection.export.mirrors.wandb import Wandb

            return Wandb(rest.removeprefix("//") or name)
    raise UserError(f"--to: must be one of {FORMS}; found {text!r:.60}")


def _tracking_uri(rest: str) -> str | None:
    """Return MLflow's own address: a server's, a file's, or None for what its variable says."""
    if not rest:
        return None
    if rest.startswith("///"):
        return f"file:{rest[2:]}"
    return f"http:{rest}" if rest.startswith("//") else rest
