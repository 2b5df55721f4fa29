"""Where a study can be mirrored to, as ``--to`` writes it."""

from __future__ import annotations

from study.errors import UserError
from study.inspection.export.mirrors.target import Target

FORMS = "mlflow://HOST:PORT | mlflow:URI | wandb[:[ENTITY/]PROJECT] | tensorboard[:FOLDER]"


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
