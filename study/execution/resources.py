"""Whether this machine can run a study: its CPUs and GPUs, and the images."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.errors import DataMissing, UserError
from study.files.storage_uri import storage_path
from study.spec.recipe_paths import values_by_path
from study.training.recipe.data_catalog import DATA_SETS
from study.training.recipe.sections import FACTORY_PATTERN

if TYPE_CHECKING:
    from study.spec.spec import StudySpec


_PROSE = ("question", "note", "label")


def machine_cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine_gpus() -> int:
    """The NVIDIA GPUs of this machine that this process may use, without loading torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([part for part in visible.split(",") if part.strip() and part.strip() != "-1"])
    import pynvml

    try:
        pynvml.nvmlInit()
        return int(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError:
        return 0


Room = Mapping[str, float]
"""What one node has of each resource, under Ray's names."""


def machine_room(spec: StudySpec) -> Room:
    """This machine's CPUs and, where the study wants any, GPUs."""
    return {"CPU": machine_cpus(), "GPU": machine_gpus() if spec.resources.gpus else 0}


def slots(spec: StudySpec, rooms: Sequence[Room]) -> int:
    """How many of the study's trials find room at once; a trial lies on one node."""
    wanted = spec.resources.by_name
    return sum(
        min(int(room.get(name, 0) / amount + 1e-9) for name, amount in wanted.items())
        for room in rooms
    )


def check_fits(spec: StudySpec, rooms: Sequence[Room], where: str) -> None:
    """UserError where not even one trial finds room."""
    if slots(spec, rooms) < 1:
        wanted = spec.resources.by_name
        most = {name: max((room.get(name, 0) for room in rooms), default=0) for name in wanted}
        found = f"{where} has {_amounts(most)}"
        if len(rooms) > 1:
            found = f"of {where} no node has that, but at most {_amounts(most)}"
        raise UserError(
            f"a trial of {spec.study} wants {_amounts(wanted)}, and {found}; "
            "ask for less with --set resources.cpus=… and the like"
        )


def _amounts(resources: Room) -> str:
    names = {"CPU": "CPUs", "GPU": "GPUs"}
    return " and ".join(f"{amount:g} {names.get(name, name)}" for name, amount in resources.items())


def check_modules(spec: StudySpec) -> None:
    """UserError where there is no module for a ``package.module:factory``; it is looked for, and
    not loaded.
    """
    folders = [str(Path.cwd()), *sys.path]
    for name in sorted(set(factories(spec.tree()))):
        top = name.partition(":")[0].partition(".")[0]
        if top not in sys.builtin_module_names and PathFinder.find_spec(top, folders) is None:
            raise UserError(
                f"{name} must be importable; found no module {top} in {folders[0]} or where Python"
                " looks"
            )


def factories(tree: Any) -> Iterator[str]:
    """Every value in a study's tree that has the form ``package.module:factory``."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from factories(value) if key not in _PROSE else ()
            yield from factories(key)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from factories(value)
    elif isinstance(tree, str) and re.fullmatch(FACTORY_PATTERN, tree):
        yield tree


def check_data(spec: StudySpec, data_dir: str | None) -> None:
    """DataMissing where the images are neither there nor to be downloaded; downloads them where
    they can be.
    """
    name = values_by_path(spec.recipe_tree({})).get("data.name")
    folder = storage_path(data_dir or os.environ.get("STUDY_DATA_DIR") or "data")
    folders = DATA_SETS[name].folders if isinstance(name, str) and name in DATA_SETS else ()
    if not isinstance(name, str) or not folders:
        return
    if any((folder / subfolder).is_dir() for subfolder in folders):
        return
    local = folder.local_path()
    if local is None:
        raise DataMissing(f"{name}: {folder} holds none of the folders {', '.join(folders)}")
    # torch is loaded for a download alone: a study whose images are there is durable before that
    from study.training.data.datasets import load_built_in

    load_built_in(name, local)
