"""What must hold over several keys of a study file, beyond each key's own form.

Each rule is handed a spec whose parts are sound and gives its faults; none of them knows lines or
files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from search_spaces.distributions import Choice
from search_spaces.space import Space, is_below
from search_spaces.validation import (
    Fault,
    KeyPath,
    alternatives,
    closest_match,
    describe,
    format_path,
)
from search_spaces.values import Value
from study.spec.spec import StudySpec
from study.training.recipe import recipe as recipes
from study.training.recipe.defaults import DefaultedRecipes
from study.training.recipe.metric_catalog import MEASURED_METRICS
from study.training.recipe.recipe_paths import values_by_path

_LARGEST_GRID = 1_000_000
_ENDING_SAMPLERS = ("grid", "first-only")
_SEED_MUST = "must be left out: a trial's seed is the number of its replicate"


def seed_faults(tree: Mapping[str, Any], path: KeyPath) -> list[Fault]:
    """A seed of the user's own would be overwritten by the replicate's."""
    return (
        [Fault((*path, "seed"), _SEED_MUST, describe(tree["seed"]), "replicates", on_key=True)]
        if "seed" in tree
        else []
    )


def hidden_faults(
    fixed: Mapping[str, Any], space: Space, overrides: Mapping[str, Value], schema: DefaultedRecipes
) -> list[Fault]:
    """What the recipe refuses of fixed values that the space or an override covers, so that no
    sample shows it.
    """
    covered = (*space.paths(), *overrides)
    _, faults = schema.parse_recipe(fixed)
    hidden = [
        fault
        for fault in faults
        if any(is_below(format_path(fault.path), path) for path in covered)
    ]
    return [fault.under(("recipe",)) for fault in hidden]


def _first_faults(spec: StudySpec, sound: bool) -> Iterator[Fault]:
    """Entries of ``first:`` that make no recipe; where the recipe isn't ``sound``, only what they
    set themselves.
    """
    for index, first in enumerate(spec.first):
        yield from seed_faults(first.set, ("first", index, "set"))
        _, faults = recipes.parse_recipe(spec.recipe_tree(first.set))
        written = values_by_path(first.set)
        for fault in faults:
            path = format_path(fault.path)
            if any(is_below(path, key) for key in spec.overrides):
                continue
            if any(is_below(path, key) or is_below(key, path) for key in written):
                yield fault.under(("first", index, "set"))
            elif sound:
                yield Fault(
                    ("first", index, "set"),
                    f"must allow the recipe's {path}, which {fault.must}",
                    fault.found,
                )


def _space_faults(spec: StudySpec) -> Iterator[Fault]:
    """Samplers and what they can sample."""
    if spec.sampler.name == "first-only":
        if not spec.first:
            yield Fault(("first",), "must have entries with sampler first-only", "none")
        return
    if not spec.space.variables:
        yield Fault(
            ("space",),
            f"must vary something with sampler {spec.sampler.name}",
            "nothing",
            "sampler: first-only",
        )
    if spec.sampler.name == "grid":
        for variable in spec.space.variables:
            if variable.distribution.size() is None:
                found = describe(variable.distribution.tree())
                yield Fault(("space", *variable.place), "must have a step with sampler grid", found)
    if spec.sampler.name == "cmaes" and len(spec.objectives) > 1:
        yield Fault(
            ("sampler",),
            "must take several objectives",
            "cmaes",
            "tpe | nsga2 | gp | random | grid | qmc",
        )


def _objective_faults(spec: StudySpec) -> Iterator[Fault]:
    """Objectives against the recipe and each other."""
    metrics = [objective.metric for objective in spec.objectives]
    validation = values_by_path(spec.recipe_tree(spec.space.complete({}))).get("data.validation")
    for index, metric in enumerate(metrics):
        path: KeyPath = (
            ("objective", "metric") if len(metrics) == 1 else ("objective", index, "metric")
        )
        if metric in metrics[:index]:
            yield Fault(path, "must be another metric than the first", describe(metric))
        if metric.startswith("test_") and validation != "test":
            must = "must not look at the test set unless recipe.data.validation is test"
            yield Fault(
                path,
                must,
                describe(metric),
                metric.replace("test_", "val_").replace("val_top5", "val_accuracy"),
            )
    if len(metrics) > 1 and spec.racing:
        yield Fault(("racing",), "must be left out with two objectives", "racing", on_key=True)
    if len(metrics) > 1 and spec.stop.target is not None:
        yield Fault(
            ("stop", "target"),
            "must be left out with two objectives",
            describe(spec.stop.target),
            on_key=True,
        )


def reproducible_faults(spec: StudySpec) -> Iterator[Fault]:
    """What makes points or stops depend on the machine: objectives and lengths measured in time."""
    for index, objective in enumerate(spec.objectives):
        if objective.metric in MEASURED_METRICS:
            path: KeyPath = (
                ("objective", "metric")
                if len(spec.objectives) == 1
                else ("objective", index, "metric")
            )
            yield Fault(
                path,
                "must not be measured by the machine with reproducible: true",
                describe(objective.metric),
            )
    must = "must not limit a trial by time with reproducible: true"
    if spec.fixed.get("seconds") is not None:
        yield Fault(
            ("recipe", "seconds"),
            must,
            describe(spec.fixed["seconds"]),
            "epochs | steps",
            on_key=True,
        )
    if spec.overrides.get("seconds") is not None:
        yield Fault(
            ("overrides", "seconds"), must, describe(spec.overrides["seconds"]), "epochs | steps"
        )
    for item in spec.space.items:
        if item.path == "seconds":
            yield Fault(("space", *item.place), must, "seconds", "epochs | steps", on_key=True)
    for index, first in enumerate(spec.first):
        if first.set.get("seconds") is not None:
            where = ("first", index, "set", "seconds")
            yield Fault(where, must, describe(first.set["seconds"]), "epochs | steps", on_key=True)


def default_reproducible(spec: StudySpec) -> bool:
    """What ``reproducible`` is where the file leaves it out: true where nothing is decided by
    measured time.
    """
    return not list(reproducible_faults(spec))


def _role_faults(spec: StudySpec) -> Iterator[Fault]:
    """Roles name what the space varies; what is compared is a choice or a branch, and always there
    to compare.
    """
    known = spec.space.paths()
    factors = [
        path for path in known if any(_is_factor(variable) for variable in spec.space.at(path))
    ]
    for index, path in enumerate(spec.roles.scientific):
        where: KeyPath = ("roles", "scientific", index)
        if path not in factors:
            must = "must be a choice or a branch name of the space"
            yield Fault(
                where, must, describe(path), alternatives(factors), closest_match(path, factors)
            )
            continue
        names = {variable.name: variable.path for variable in spec.space.variables}
        for parent in dict.fromkeys(
            names[name] for variable in spec.space.at(path) for name, _ in variable.given
        ):
            if parent not in spec.roles.scientific:
                yield Fault(
                    where,
                    f"must stand beside {parent}, in whose branches it lies",
                    describe(path),
                    parent,
                )
    for index, path in enumerate(spec.roles.nuisance):
        where = ("roles", "nuisance", index)
        if not any(is_below(name, path) for name in known):
            must = "must be a path of the space"
            yield Fault(
                where, must, describe(path), alternatives(known), closest_match(path, known)
            )
        elif any(is_below(name, path) for name in spec.roles.scientific):
            yield Fault(where, "must not be scientific too", describe(path))
    if spec.mode == "method-study" and not spec.roles.scientific:
        yield Fault(
            ("roles", "scientific"),
            "must name what mode method-study compares",
            "nothing",
            alternatives(factors),
        )


def _is_factor(variable: Any) -> bool:
    return isinstance(variable.distribution, Choice)


def points_faults(spec: StudySpec, points: int | None) -> Iterator[Fault]:
    """Only a grid and a list of points end by themselves."""
    if points is None and spec.sampler.name not in _ENDING_SAMPLERS:
        yield Fault(
            ("points",), f"must be given with sampler {spec.sampler.name}", "nothing", "points: 40"
        )


def _confirm_faults(spec: StudySpec) -> Iterator[Fault]:
    if (
        spec.confirm
        and spec.confirm.against is not None
        and spec.confirm.against >= len(spec.first)
    ):
        found = f"first[{spec.confirm.against}]"
        yield Fault(
            ("confirm", "against"), f"must be one of the {len(spec.first)} entries of first", found
        )


def cross_faults(spec: StudySpec, sound: bool) -> list[Fault]:
    """All rules but those of how many points; where recipe or space aren't ``sound``, those that
    don't need them.
    """
    faults = [*_first_faults(spec, sound), *_objective_faults(spec), *_confirm_faults(spec)]
    return [*faults, *_space_faults(spec), *_role_faults(spec)] if sound else faults


# -- points ----------------------------------------------------------------------------


def resolve_points(spec: StudySpec, points: int | None) -> tuple[int, list[Fault]]:
    """How many points the study proposes: what the file says, no more than there are with grid and
    first-only.
    """
    limit = _point_limit(spec)
    if points is None and limit is not None and limit > _LARGEST_GRID:
        return 1, [
            Fault(
                ("points",),
                "must be given for a grid of this size",
                f"{limit:,} points of the grid",
            )
        ]
    resolved = min((number for number in (points, limit) if number is not None), default=1)
    return _even_points(spec, resolved) if spec.mode == "method-study" else (resolved, [])


def _point_limit(spec: StudySpec) -> int | None:
    """How many points there are at all: of a grid those in it and the entries of ``first:`` beside
    it.
    """
    if spec.sampler.name == "first-only":
        return len(spec.first)
    if spec.sampler.name != "grid":
        return None
    inside = [
        params
        for index in range(len(spec.first))
        if (params := spec.first_params(index)) is not None
    ]
    distinct = {
        tuple(sorted((name, str(value)) for name, value in params.items())) for params in inside
    }
    return (spec.space.grid_size() or 0) + len(spec.first) - len(distinct)


def _even_points(spec: StudySpec, points: int) -> tuple[int, list[Fault]]:
    """The most points, up to ``points``, that give every level of a method study equally many.

    Entries of ``first:`` that lie in no level come on top of the levels' budgets.
    """
    if spec.sampler.name == "first-only":
        return points, [Fault(("mode",), "must be search with sampler first-only", "method-study")]
    chosen = set(spec.roles.scientific)
    count = (
        Space(tuple(item for item in spec.space.variables if item.path in chosen)).grid_size() or 0
    )
    tried = range(min(points, len(spec.first)) if count <= points else 0)
    entries = [spec.level_of(spec.first_values(index)) for index in tried]
    outside = entries.count(None)
    budget = (points - outside) // count
    if not budget:
        apart = f" beside the {outside} entries of first that lie in none" if outside else ""
        must = f"must give each of the {count:,} levels a point{apart}"
        return points, [
            Fault(("points",), must, str(points), f"{count + outside} | {2 * count + outside} | …")
        ]
    for number, level in enumerate(spec.levels()):
        if entries.count(number) > budget:
            named = ", ".join(f"{path} = {value}" for path, value in level.items())
            must = f"must have at most the {budget} points that the level {named} has"
            return points, [Fault(("first",), must, f"{entries.count(number)} entries in it")]
    return budget * count + outside, (
        _uneven_faults(spec, budget) if spec.sampler.name == "grid" else []
    )


def _uneven_faults(spec: StudySpec, budget: int) -> list[Fault]:
    """The grid below each level must fill its budget."""
    sizes = [spec.space.fix(level).grid_size() or 0 for level in spec.levels()]
    if min(sizes) >= budget:
        return []
    must = f"must have at least {budget} points below each level with sampler grid"
    return [Fault(("space",), must, f"levels with {alternatives(map(str, sizes))} points")]
