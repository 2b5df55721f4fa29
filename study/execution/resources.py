"""Whether a study can run here: CPUs and GPUs, the modules that it names, and the images."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.machinery import PathFinder
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.validation import Fault, describe, format_path
from search_spaces.values import Value
from study.errors import DataMissing, SpecError, UserError
from study.execution.run import ProgressDisplay
from study.files.storage import StoragePath
from study.files.storage_uri import storage_path
from study.files.visible_text import visible
from study.spec.checks.repeat_checks import places_written
from study.training.recipe.data_catalog import DATA_SETS, FILE_SETS
from study.training.recipe.model_catalog import is_timm_name
from study.validation.section import is_factory_name

if TYPE_CHECKING:
    from study.spec.spec import StudySpec
    from study.training.recipe.sections import Data

_PROSE_KEYS = ("question", "note", "label")
"""Keys of a study file whose text names no module, whatever it looks like."""
_CONFIG_KEYS = ("recipe", "space", "first", "overrides")
_SET_PATHS = ("data.name", "data.path", "data.channels", "data.test_fraction", "data.skip_broken")
"""What of a recipe says which files are read, and as what."""
_MOST_SETS = 1000
_ROUNDING = 1e-9
"""Three trials of a third of a GPU find room on one."""

NodeResources = Mapping[str, float]
"""What one node has of each resource, under Ray's names: ``{"CPU": 8, "GPU": 1}``."""


def machine_cpus() -> int:
    """Count the CPUs of this machine that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine_gpus() -> int:
    """Count the NVIDIA GPUs of this machine that this process may use, without loading torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        named = [part.strip() for part in visible.split(",")]
        return sum(name not in ("", "-1") for name in named)
    import pynvml

    try:
        pynvml.nvmlInit()
        return int(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError:
        return 0


def machine_resources(spec: StudySpec) -> NodeResources:
    """Return this machine's CPUs and, where the study wants any, GPUs."""
    return {"CPU": machine_cpus(), "GPU": machine_gpus() if spec.resources.gpus else 0}


def trial_capacity(spec: StudySpec, nodes: Sequence[NodeResources]) -> int:
    """Count how many of the study's trials these nodes run at once, each with as many workers as it
    may have; only a trial of several workers lies on several nodes.
    """
    workers = spec.resources.workers
    room = worker_capacity(spec.resources.by_name, nodes)
    if workers.least <= room < workers.most:
        return 1
    return room // workers.most


def worker_capacity(wanted: Mapping[str, float], nodes: Sequence[NodeResources]) -> int:
    """Count how many workers that want so much of each resource these nodes hold at once."""
    return sum(_node_capacity(wanted, node) for node in nodes)


def _node_capacity(wanted: Mapping[str, float], node: NodeResources) -> int:
    counts = []
    for name, amount in wanted.items():
        found = node.get(name, 0)
        if name == "GPU":  # a share lies on one of them
            counts.append(int(found) * int(1 / amount + _ROUNDING))
        else:
            counts.append(int(found / amount + _ROUNDING))
    return min(counts)


def check_fits(spec: StudySpec, nodes: Sequence[NodeResources], where: str) -> None:
    """Raise UserError where not even one trial finds room on these nodes; ``where`` names them."""
    if trial_capacity(spec, nodes) >= 1:
        return
    wanted = spec.resources.by_name
    if worker_capacity(wanted, nodes):
        _refuse_too_few(spec, nodes, where)
    most = {name: max((node.get(name, 0) for node in nodes), default=0) for name in wanted}
    found = f"{where} has {_amounts(most)}"
    if len(nodes) > 1:
        found = f"of {where} no node has that, but at most {_amounts(most)}"
    whose = "a trial" if spec.resources.workers.most == 1 else "each worker of a trial"
    raise UserError(
        f"{whose} of {spec.study} wants {_amounts(wanted)}, and {found}; "
        "ask for less with --set resources.cpus=… and the like"
    )


def _refuse_too_few(spec: StudySpec, nodes: Sequence[NodeResources], where: str) -> None:
    """Raise UserError where there is room for workers, but not for as many as a trial has."""
    wanted, least = spec.resources.by_name, spec.resources.workers.least
    raise UserError(
        f"a trial of {spec.study} wants {least} workers of {_amounts(wanted)}, and {where} has room"
        f" for {worker_capacity(wanted, nodes)}; ask for less with --set resources.workers=… and"
        " the like"
    )


def _amounts(resources: NodeResources) -> str:
    names = {"CPU": "CPUs", "GPU": "GPUs"}
    return " and ".join(f"{amount:g} {names.get(name, name)}" for name, amount in resources.items())


def check_modules(spec: StudySpec) -> None:
    """Raise UserError where there is no module for a ``package.module:factory`` of the study.

    Modules are looked for, and not loaded.
    """
    folders = [str(Path.cwd()), *sys.path]
    for name in code_names(spec):
        top = module_root(name)
        if top not in sys.builtin_module_names and PathFinder.find_spec(top, folders) is None:
            raise UserError(
                f"{name} must be importable; found no module {top} in {folders[0]} or where Python"
                " looks"
            )


def module_root(factory: str) -> str:
    """Return the outermost package of a ``package.module:factory``."""
    return factory.partition(":")[0].partition(".")[0]


def code_names(spec: StudySpec) -> tuple[str, ...]:
    """Return every ``package.module:name`` that a study names, in alphabetical order.

    Texts in an own training's config name nothing, whatever they look like.
    """
    tree = spec.tree()
    if spec.train is not None:
        for key in _CONFIG_KEYS:
            tree.pop(key, None)
    return tuple(sorted(set(factories(tree))))


def factories(tree: Any) -> Iterator[str]:
    """Find every ``package.module:factory`` among a study tree's keys and values."""
    if isinstance(tree, str):
        if is_factory_name(tree) and not is_timm_name(tree):
            yield tree
    elif isinstance(tree, Mapping):
        for key, value in tree.items():
            if key not in _PROSE_KEYS:
                yield from factories(value)
            yield from factories(key)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from factories(value)


def data_place(data_dir: str | None) -> StoragePath:
    """Return where images lie: ``data_dir``, else what STUDY_DATA_DIR names, else ``./data``."""
    return storage_path(data_dir or os.environ.get("STUDY_DATA_DIR") or "data")


def check_data(spec: StudySpec, data_dir: str | None) -> None:
    """Download the images of the study's points where they are not there.

    Raises DataMissing where they can't be had.
    """
    trees = [spec.recipe_tree(values) for values in _values_of_data(spec)]
    names = [spec.kind.values_by_path(tree).get("data.name") for tree in trees]
    for name in dict.fromkeys(names):
        _check_built_in(name, data_place(data_dir))


def _check_built_in(name: object, root: StoragePath) -> None:
    data_set = DATA_SETS.get(name) if isinstance(name, str) else None
    if data_set is None or not data_set.folders:
        return
    if any((root / folder).is_dir() for folder in data_set.folders):
        return
    local = root.local_path()
    if local is None:
        folders = ", ".join(data_set.folders)
        raise DataMissing(f"{name}: {root} holds none of the folders {folders}")
    # torch is loaded for a download alone: a study whose images are there is durable before that
    from study.training.data.datasets import load_built_in

    load_built_in(str(name), local)


def file_faults(spec: StudySpec, data_dir: str | None, display: ProgressDisplay) -> list[Fault]:
    """Read what the study's own files are, which the node keeps, and return what is at fault there.

    Nothing happens where it has none. Of several sets, which the space or ``first:`` can draw, each
    is read. Broken files are among the faults unless the recipe leaves them out.
    """
    sets = own_sets(spec)
    faults: list[Fault] = []
    for data in sets:
        found = _set_faults(spec, data, data_dir, display)
        if len(sets) > 1:
            which = visible(f" in {data.path}")
            found = [replace(fault, found=f"{fault.found}{which}") for fault in found]
        faults += found
    return list(dict.fromkeys(faults))


def own_sets(spec: StudySpec) -> list[Data]:
    """Return the recipe's data section for each set of the user's own files that a point can have,
    with what else a point may have of it at its first value.
    """
    found: dict[str, Data] = {}
    for values in _values_of_data(spec):
        with suppress(SpecError):  # values that make no recipe together are no point
            data = spec.recipe(values, seed=0).data
            if data.name in FILE_SETS:
                told = [getattr(data, path.removeprefix("data.")) for path in _SET_PATHS]
                found.setdefault(json.dumps(told), data)
    return list(found.values())


def _values_of_data(spec: StudySpec) -> Iterator[Mapping[str, Value]]:
    """Give the values of a point for each way in which the data of points can differ."""
    if spec.train is not None:
        return  # where its data come from, the function knows
    at_first: dict[str, Value] = {}
    for variable in spec.space.variables:
        if variable.path not in _SET_PATHS or variable.distribution.size() is None:
            at_first[variable.path] = variable.distribution.first
    if spec.sampler.name != "first-only":  # which has no points but the entries of first
        yield from islice(spec.space.fix(at_first).iter_grid(), _MOST_SETS)
    for index in range(len(spec.first)):
        yield spec.first_values(index)


def _set_faults(
    spec: StudySpec, section: Data, data_dir: str | None, display: ProgressDisplay
) -> list[Fault]:
    """Read a set of the user's own files and return what is at fault with it."""
    # torch is loaded for files of one's own alone
    from study.training.data.datasets import load_data_set
    from study.training.data.files.faults import FaultyData
    from study.training.runtime.reading import Reading

    def note(done: int, total: int) -> None:
        part = f", {done:,} of {total:,}" if total else ""
        display.doing(f"reading data{part}")

    reading = Reading(threads=machine_cpus(), is_thorough=True, note=note)
    try:
        data = load_data_set(section, data_dir, reading)
    except FaultyData as faulty:
        return [_at_its_place(spec, fault) for fault in faulty.faults]
    finally:
        display.doing("")
    for text in data.notes:
        display.say(f"note: {text}")
    if data.validation_images is None:
        return []
    must = "must be left out where a folder val is the validation set"
    return [
        Fault(place, must, describe(value), on_key=True)
        for path in ("data.validation", "data.validation.fraction")
        for place, value in places_written(spec, path)
        if value is not None
    ]


def _at_its_place(spec: StudySpec, fault: Fault) -> Fault:
    """Return a fault of the recipe's data section at the place that the study file sets it at."""
    path = format_path(("data", *fault.path))
    varied = {item.path for item in spec.space.items}
    for place, value in places_written(spec, path):
        if place[0] == "recipe" and path in varied:
            continue  # the space's values win
        if value is not None:
            return replace(fault, path=place)
    return fault.under(("recipe", "data"))
