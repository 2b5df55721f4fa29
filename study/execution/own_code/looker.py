"""Looks at a study's own training in a process of its own: what it imports is no affair of others.

``python -m study.execution.own_code.looker ANSWER`` reads a study's tree as JSON from its standard
input and writes what it finds as JSON to the file ANSWER.
"""

from __future__ import annotations

import inspect
import json
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from search_spaces.recipe_check import recipe_faults
from search_spaces.validation import Fault
from study.errors import UserError
from study.spec.kinds.kind import Tree
from study.spec.load import spec_from_tree
from study.spec.spec import StudySpec
from study.training.own.function import TrainFunction, load_function
from study.training.own.typed_config import config_schema, field_paths, made_config
from study.training.runtime.own_frames import import_fault, own_place

_CALLABLE = "must name a function that takes config and session"


def look_at(spec: StudySpec) -> dict[str, Any]:
    """Return what is at fault with the code of a study, and which fields its config has.

    ``fields`` and ``schema`` are None where the config isn't typed.
    """
    faults, function = _function_faults(spec)
    faults += _cost_faults(spec.epoch_cost)
    config_type = function.config_type if function else None
    if config_type is not None:
        faults += _config_faults(spec, config_type)
    return {
        "faults": [asdict(fault) for fault in faults],
        "fields": None if config_type is None else sorted(field_paths(config_type)),
        "schema": None if config_type is None else config_schema(config_type),
    }


def _function_faults(spec: StudySpec) -> tuple[list[Fault], TrainFunction | None]:
    assert spec.train is not None
    try:
        return [], load_function(spec.train)
    except UserError as error:
        must, found, what = str(error).partition("; found ")
        fault = Fault(("train",), must, what) if found else Fault(("train",), _CALLABLE, must)
        return [fault], None
    except BaseException as error:
        return [Fault(("train",), "must be importable", _why(error))], None


def _cost_faults(reference: str | None) -> list[Fault]:
    if reference is None:
        return []
    module, _, name = reference.partition(":")
    try:
        function = getattr(import_module(module), name)
        inspect.signature(function).bind({})
    except BaseException as error:
        return [Fault(("epoch_cost",), "must name a function that takes a config", _why(error))]
    return []


def _why(error: BaseException) -> str:
    """Return what an import has raised, and where in the user's code."""
    place = own_place(error)
    if not place:
        frames = traceback.extract_tb(error.__traceback__)
        files = [frame for frame in frames if not frame.filename.startswith("<")]
        place = f"{files[-1].filename}:{files[-1].lineno}" if files else ""
    text = import_fault(error)
    return f"{text} ({Path(place).name})" if place else text


# -- typed configs ---------------------------------------------------------------------


class _TypedConfigs:
    """The configs of a study as their type takes them."""

    def __init__(self, spec: StudySpec, config_type: type) -> None:
        self._kind = spec.kind
        self._config_type = config_type

    def parse_recipe(self, tree: Mapping[str, object]) -> tuple[object, list[Fault]]:
        """Return the config that a tree makes, and every fault in it."""
        return made_config(self._config_type, self._kind.expand(tree))

    def merge(self, base: Mapping[str, object], over: Mapping[str, object]) -> Tree:
        """Return ``base`` with ``over`` winning."""
        return self._kind.merge(base, over)

    def field_paths(self) -> frozenset[str]:
        """Return the paths that the study file sets."""
        return self._kind.field_paths()

    def open_fields(self) -> frozenset[str]:
        """Return the kind's."""
        return self._kind.open_fields()


def _config_faults(spec: StudySpec, config_type: type) -> Iterator[Fault]:
    """Give what the config's type refuses of points of the space, and of those that run first."""
    configs = _TypedConfigs(spec, config_type)
    if spec.sampler.name != "first-only":
        yield from recipe_faults(spec.space, spec.fixed, configs, spec.overrides, spec.allows)
    for index, first in enumerate(spec.first):
        at = ("first", index, "set")
        _, faults = configs.parse_recipe(spec.recipe_tree(first.set))
        written = spec.kind.values_by_path(first.set)
        for fault in faults:
            path = ".".join(map(str, fault.path))
            is_written = any(path == key or key.startswith(f"{path}.") for key in written)
            if is_written or spec.sampler.name == "first-only":
                yield fault.under(at)


def main(answer: str) -> None:
    """Look at the study on standard input, as a worker would find its code."""
    tree = json.load(sys.stdin)
    sys.path.append(str(Path.cwd()))
    found = look_at(spec_from_tree(tree))
    Path(answer).write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
