"""An own training's trial to take home, as plain files.

config.json         the config that its function was called with
state.safetensors   the tensors of its newest state, by where they lie in it: ``model.weight``
state.json          what else is in that state
kept/               what its function has kept
figures.json        what it came to; the caller writes it
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from study.files.atomic import make_folder, write_whole
from study.files.storage import StoragePath
from study.training.checkpoint import Checkpoints
from study.training.own.kept import kept_names

CONFIG = "config.json"
TENSORS = "state.safetensors"
PLAIN_STATE = "state.json"
KEPT = "kept"


@dataclass(frozen=True)
class ExportedState:
    """What was written of an own training."""

    epoch: int | None
    """The epoch that the state is of; None where none was saved, or kept."""
    kept: tuple[str, ...]
    """The names of what its function kept."""
    files: tuple[str, ...]
    """The names of the files and folders that were written."""

    def notes(self, folder: str) -> Iterator[str]:
        """Give what there is to say of it."""
        if self.epoch is None:
            yield "without a state: its function saved none, or keep_checkpoints did not keep it"
        if self.kept:
            yield f"what it kept is in {folder}/{KEPT}: {', '.join(self.kept)}"


def export_own_training(
    checkpoints: StoragePath, kept: StoragePath, config: Mapping[str, Any], to: Path
) -> ExportedState:
    """Write an own training's files into ``to``, in place of those that were there before.

    The state is the newest valid checkpoint's: its best epoch's where it remembers one, as it does
    with ``objective.at: best``.
    """
    saved = Checkpoints(checkpoints).latest()
    make_folder(to)
    write_whole(to / CONFIG, _json(config))
    for name in (TENSORS, PLAIN_STATE):
        (to / name).unlink(missing_ok=True)
    epoch, files = None, [CONFIG]
    if saved is not None:
        chosen = saved.get("best", saved)
        epoch = int(chosen["epoch"])
        files += _write_state(chosen["state"], to)
    names = tuple(kept_names(kept))
    for name in names:
        _copy_out(kept / name, to / KEPT / name)
    return ExportedState(epoch, names, (*files, *([KEPT] if names else [])))


def _write_state(state: Mapping[str, Any], to: Path) -> list[str]:
    """Write what a state holds; return the names of the files."""
    tensors, rest = dict[str, torch.Tensor](), dict[str, Any]()
    for path, value in _leaves(state, ""):
        if isinstance(value, torch.Tensor):
            # safetensors refuses tensors that share memory or aren't contiguous
            tensors[path] = value.detach().clone().contiguous()
        else:
            rest[path] = value
    files: dict[str, str | bytes] = {}
    if tensors:
        files[TENSORS] = save(tensors)
    if rest:
        files[PLAIN_STATE] = _json(rest)
    for name, content in files.items():
        write_whole(to / name, content)
    return list(files)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Give what a state holds, each by the keys and indices that lead to it, with dots between."""
    inner: list[tuple[object, Any]] = []
    if isinstance(value, Mapping):
        inner = list(value.items())
    elif isinstance(value, list | tuple):
        inner = list(enumerate(value))
    if not inner:
        yield path, value
    for key, item in inner:
        yield from _leaves(item, f"{path}.{key}" if path else str(key))


def _json(value: object) -> str:
    return json.dumps(value, indent=2, default=str) + "\n"


def _copy_out(source: StoragePath, to: Path) -> None:
    """Copy a file, or a folder's files, from the storage to a folder of this machine."""
    if source.is_file():
        make_folder(to.parent)
        write_whole(to, source.read_bytes())
        return
    for parts in source.files_below():
        file = source
        for part in parts:
            file /= part
        target = to.joinpath(*parts)
        make_folder(target.parent)
        write_whole(target, file.read_bytes())
