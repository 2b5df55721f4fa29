"""What must hold of a study whose training is the user's own, and of one whose isn't."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from search_spaces.validation import Fault, KeyPath, closest_match, describe, format_path
from study.spec.spec import StudySpec

_LENGTHS = "epochs in recipe | max_epochs"


def training_faults(spec: StudySpec) -> Iterator[Fault]:
    """Refuse what only an own training has beside a recipe, and what one can't do without."""
    if spec.train is None:
        must = "must stand beside train, an own training's function"
        if spec.max_epochs is not None:
            yield Fault(("max_epochs",), must, describe(spec.max_epochs), "epochs", on_key=True)
        if spec.epoch_cost is not None:
            yield Fault(("epoch_cost",), must, describe(spec.epoch_cost), on_key=True)
    else:
        yield from _length_faults(spec)


def _length_faults(spec: StudySpec) -> Iterator[Fault]:
    """Demand a length where the pruner spreads its decisions over it."""
    if not _needs_length(spec) or spec.training(spec.space.complete({})).length is not None:
        return
    must = f"must know how many epochs a trial has with pruner {spec.pruner.name}"
    found = "neither epochs in recipe nor max_epochs"
    yield Fault(("pruner",), must, found, f"{_LENGTHS} | pruner: none")


def _needs_length(spec: StudySpec) -> bool:
    if spec.pruner.name == "none":
        return False
    if len(spec.objectives) > 1:
        return True
    return spec.pruner.name == "hyperband" and spec.pruner.options.get("max_epochs") is None


# -- what only the function can say for sure -------------------------------------------


def unlisted_faults(spec: StudySpec, fields: Collection[str]) -> Iterator[Fault]:
    """Refuse values of a config that stand neither in recipe nor in space.

    ``fields`` are those of the config's type besides, where it has one that is known.
    """
    listed = {*spec.kind.values_by_path(spec.fixed), *spec.space.paths(), *fields}
    for path in spec.unlisted:
        name = _value_name(path)
        if name not in fields:
            must = "must stand in recipe or space, or be a field of the config's type"
            nearest = closest_match(name, listed)
            yield Fault(path, must, describe(name), "", nearest, on_key=True)


def missing_faults(spec: StudySpec) -> Iterator[Fault]:
    """Refuse points to run first that lack a value which every other point has."""
    paths = {variable.name: variable.path for variable in spec.space.variables}
    for index in range(len(spec.first)):
        values = spec.first_values(index)
        for variable in spec.space.variables:
            is_active = all(values.get(paths[name]) == branch for name, branch in variable.given)
            if is_active and variable.path not in values:
                must = f"must set {variable.path}, which space varies and recipe hasn't"
                yield Fault(("first", index, "set"), must, "nothing")


def _value_name(path: KeyPath) -> str:
    """Return the dotted name of a config's value that stands at a path of the study file."""
    return format_path(path[1:] if path[0] == "overrides" else path[3:])
