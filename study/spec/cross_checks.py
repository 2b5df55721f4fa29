"""What must hold over several keys of a study file, beyond each key's own form.

Each rule is handed a spec whose parts are sound, and gives its faults. None of them knows lines or
files. Matters of their own are in ``study.spec.checks``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from search_spaces.distributions import Choice
from search_spaces.space import Space
from search_spaces.validation import (
    Fault,
    KeyPath,
    alternatives,
    closest_match,
    describe,
    format_path,
    is_below,
)
from search_spaces.values import Value
from study.spec.checks.own_checks import training_faults
from study.spec.checks.repeat_checks import places_written
from study.spec.checks.rule_checks import broken_rule_faults, name_faults
from study.spec.checks.worker_checks import worker_faults
from study.spec.kinds.kind import TrainingKind
from study.spec.spec import StudySpec
from study.training.recipe.metric_catalog import MEASURED_METRICS, named_metric

_SEED_MUST = "must be left out: a trial's seed is the number of its replicate"
_TIME_MUST = "must not limit a trial by time with reproducible: true"
_OTHER_LENGTHS = "epochs | steps"


def cross_faults(spec: StudySpec, is_sound: bool) -> list[Fault]:
    """Return the faults over several keys, but for how many points there are.

    Where recipe or space aren't sound, only rules that don't need them are judged.
    """
    faults = [*_first_faults(spec, is_sound), *_objective_faults(spec), *_confirm_faults(spec)]
    faults += [*name_faults(spec), *training_faults(spec), *_promotion_faults(spec)]
    if is_sound:
        faults += [*_space_faults(spec), *_role_faults(spec), *worker_faults(spec)]
    return faults


# -- the recipe ------------------------------------------------------------------------


def seed_faults(kind: TrainingKind, tree: Mapping[str, Any], path: KeyPath) -> list[Fault]:
    """Refuse a seed of the user's own where the replicate's would overwrite it."""
    if "seed" not in tree or not kind.keeps_seed:
        return []
    found = describe(tree["seed"])
    return [Fault((*path, "seed"), _SEED_MUST, found, "replicates", on_key=True)]


def hidden_faults(
    fixed: Mapping[str, Any],
    space: Space,
    overrides: Mapping[str, Value],
    kind: TrainingKind,
) -> list[Fault]:
    """Return what the recipe refuses of fixed values that the space or an override covers.

    No point that is sampled would show it.
    """
    covered = (*space.paths(), *overrides)
    _, faults = kind.parse_recipe(fixed)
    return [fault.under(("recipe",)) for fault in faults if _is_below_any(fault.path, covered)]


def _is_below_any(path: KeyPath, tops: tuple[str, ...]) -> bool:
    return any(is_below(format_path(path), top) for top in tops)


def _first_faults(spec: StudySpec, is_sound: bool) -> Iterator[Fault]:
    """Refuse entries of ``first:`` that make no recipe.

    Where the recipe isn't sound by itself, only what they set themselves is refused.
    """
    for index, first in enumerate(spec.first):
        at = ("first", index, "set")
        yield from seed_faults(spec.kind, first.set, at)
        training, faults = spec.kind.put_together(spec.recipe_tree(first.set))
        if training is not None:
            yield from broken_rule_faults(spec, training.rule_values(), at)
        written = spec.kind.values_by_path(first.set)
        for fault in faults:
            path = format_path(fault.path)
            if any(is_below(path, key) for key in spec.overrides):
                continue
            if any(is_below(path, key) or is_below(key, path) for key in written):
                yield fault.under(at)
            elif is_sound:
                must = f"must allow the recipe's {path}, which {fault.must}"
                yield Fault(at, must, fault.found)


# -- sampler, space and objectives -----------------------------------------------------


def _space_faults(spec: StudySpec) -> Iterator[Fault]:
    """Demand something that the sampler can sample."""
    sampler = spec.sampler.name
    if sampler == "first-only":
        if not spec.first:
            yield Fault(("first",), "must have entries with sampler first-only", "none")
        return
    if not spec.space.variables:
        must = f"must vary something with sampler {sampler}"
        yield Fault(("space",), must, "nothing", "sampler: first-only")
    if sampler == "grid":
        for variable in spec.space.variables:
            if variable.distribution.size() is None:
                found = describe(variable.distribution.tree())
                yield Fault(("space", *variable.place), "must have a step with sampler grid", found)
    if sampler == "cmaes" and len(spec.objectives) > 1:
        others = "tpe | nsga2 | gp | random | grid | qmc"
        yield Fault(("sampler",), "must take several objectives", "cmaes", others)


def _metric_path(spec: StudySpec, index: int) -> KeyPath:
    """Return where an objective's metric stands: a single objective needn't be in a list."""
    if len(spec.objectives) == 1:
        return ("objective", "metric")
    return ("objective", index, "metric")


def _objective_faults(spec: StudySpec) -> Iterator[Fault]:
    """Judge the objectives against the recipe, each other, and what allows only one of them."""
    metrics = [objective.metric for objective in spec.objectives]
    first_tree = spec.recipe_tree(spec.space.complete({}))
    first_values = spec.kind.values_by_path(first_tree)
    written = first_values.get("metrics")
    measured = written if isinstance(written, list) else []
    looks_at_test = first_values.get("data.validation") == "test"
    for index, metric in enumerate(metrics):
        path = _metric_path(spec, index)
        named = named_metric(metric)
        if named and spec.train is None and named not in measured:
            must = f"must be measured: with recipe.metrics: [{named}]"
            yield Fault(path, must, describe(metric))
        if metric in metrics[:index]:
            yield Fault(path, "must be another metric than the first", describe(metric))
        if metric.startswith("test_") and not looks_at_test and spec.train is None:
            must = "must not look at the test set unless recipe.data.validation is test"
            ours = metric.replace("test_", "val_").replace("val_top5", "val_accuracy")
            yield Fault(path, must, describe(metric), ours)
    if len(metrics) < 2:
        return
    must = "must be left out with two objectives"
    if spec.racing:
        yield Fault(("racing",), must, "racing", on_key=True)
    if spec.stop.target is not None:
        yield Fault(("stop", "target"), must, describe(spec.stop.target), on_key=True)
    if spec.pruner.name == "patient":  # it compares a trial with itself, by one figure
        must = "must be a pruner that compares by two objectives"
        yield Fault(("pruner",), must, "patient", "asha | hyperband | median | percentile | none")


def _promotion_faults(spec: StudySpec) -> Iterator[Fault]:
    """Refuse what a pruner can't be together with that promotes trials."""
    if not spec.pruner.promotes:
        return
    promotes = f"{spec.pruner.name}, which promotes trials"
    if len(spec.objectives) > 1:  # it ranks trials by one figure
        must = "must be a pruner that promotes no trials with two objectives"
        yield Fault(("pruner",), must, promotes, "asha | hyperband | median | percentile | none")
    if spec.racing:  # each of the two would wait for what the other one decides
        must = f"must be left out with pruner {promotes}"
        yield Fault(("racing",), must, "racing", "pruner: asha | none", on_key=True)


# -- reproducible ----------------------------------------------------------------------


def default_reproducible(spec: StudySpec) -> bool:
    """Return what ``reproducible`` is where it is left out: true where the file allows it."""
    if spec.resources.gpus:
        fixed = spec.kind.values_by_path(spec.fixed) | dict(spec.overrides)
        if any(fixed.get(path) != value for path, value in spec.kind.repeating_values.items()):
            return False
    return not list(reproducible_faults(spec))


def reproducible_faults(spec: StudySpec) -> Iterator[Fault]:
    """Refuse what depends on the machine's speed, or on how much of it there is."""
    if spec.resources.workers.may_differ:
        must = "must be one number with reproducible: true"
        found = describe(spec.resources.workers.tree())
        yield Fault(("resources", "workers"), must, found, str(spec.resources.workers.most))
    for index, objective in enumerate(spec.objectives):
        if objective.metric in MEASURED_METRICS:
            must = "must not be measured by the machine with reproducible: true"
            yield Fault(_metric_path(spec, index), must, describe(objective.metric))
    lengths = places_written(spec, "seconds") if spec.train is None else ()
    for place, value in lengths:
        if value is not None:
            yield Fault(place, _TIME_MUST, describe(value), _OTHER_LENGTHS, on_key=True)


# -- roles and confirmation ------------------------------------------------------------


def _role_faults(spec: StudySpec) -> Iterator[Fault]:
    """Judge the roles: they name what the space varies, each path in one of them only."""
    factors = [path for path in spec.space.paths() if _is_factor(path, spec.space)]
    for index, path in enumerate(spec.roles.scientific):
        yield from _scientific_faults(spec, path, ("roles", "scientific", index), factors)
    for index, path in enumerate(spec.roles.nuisance):
        yield from _nuisance_faults(spec, path, ("roles", "nuisance", index))
    if spec.mode == "method-study" and not spec.roles.scientific:
        must = "must name what mode method-study compares"
        yield Fault(("roles", "scientific"), must, "nothing", alternatives(factors))


def _is_factor(path: str, space: Space) -> bool:
    """Whether a path has levels to compare: a choice or a branch name."""
    return any(isinstance(variable.distribution, Choice) for variable in space.at(path))


def _scientific_faults(
    spec: StudySpec, path: str, where: KeyPath, factors: list[str]
) -> Iterator[Fault]:
    """Demand a factor that is there in every point, so that it can be compared."""
    if path not in factors:
        must = "must be a choice or a branch name of the space"
        ours = closest_match(path, factors)
        yield Fault(where, must, describe(path), alternatives(factors), ours)
        return
    paths = {variable.name: variable.path for variable in spec.space.variables}
    branches = [name for variable in spec.space.at(path) for name, _ in variable.given]
    for parent in dict.fromkeys(paths[name] for name in branches):
        if parent not in spec.roles.scientific:
            must = f"must stand beside {parent}, in whose branches it lies"
            yield Fault(where, must, describe(path), parent)


def _nuisance_faults(spec: StudySpec, path: str, where: KeyPath) -> Iterator[Fault]:
    known = spec.space.paths()
    if not any(is_below(name, path) for name in known):
        must = "must be a path of the space"
        yield Fault(where, must, describe(path), alternatives(known), closest_match(path, known))
    elif any(is_below(name, path) for name in spec.roles.scientific):
        yield Fault(where, "must not be scientific too", describe(path))


def _confirm_faults(spec: StudySpec) -> Iterator[Fault]:
    """Demand that the baseline is an entry of ``first:``."""
    baseline = spec.confirm.against if spec.confirm else None
    if baseline is not None and baseline >= len(spec.first):
        must = f"must be one of the {len(spec.first)} entries of first"
        yield Fault(("confirm", "against"), must, f"first[{baseline}]")
