"""From the tree of a study file to its spec: validated whole, every default decided.

The keys are judged by ``study.spec.study_file``, recipe and space by their own rules, and what
must hold over several of them by ``study.spec.cross_checks``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from search_spaces.parse import parse_space
from search_spaces.random_trial import Allows
from search_spaces.rules import parse_rule
from search_spaces.space import Space
from search_spaces.validation import Fault, KeyPath, describe, is_below
from search_spaces.values import Value
from study.errors import SpecError
from study.spec.checks.auto_pruner import auto_note, auto_pruner
from study.spec.checks.point_count import points_faults, resolve_points
from study.spec.checks.rule_checks import passing_faults
from study.spec.cross_checks import (
    cross_faults,
    default_reproducible,
    hidden_faults,
    reproducible_faults,
    seed_faults,
)
from study.spec.fault_report import FaultReport
from study.spec.kinds import kind_written
from study.spec.kinds.kind import Training, TrainingKind
from study.spec.kinds.rule_values import RuleValues
from study.spec.pruners import Auto, NoPruning
from study.spec.sections import Roles
from study.spec.spec import StudySpec
from study.spec.study_file import StudyFile, parse_study_file


def resolve_spec(tree: Any, report: FaultReport) -> StudySpec:
    """Return the spec that a study file's tree writes; raise SpecError with all its faults."""
    if not isinstance(tree, Mapping):
        if not report.document.faults:
            report.add([Fault((), "must be a mapping", describe(tree))])
        raise SpecError(report.lines())
    file, faults = parse_study_file(tree)
    report.add(faults)
    if file is None:
        raise SpecError(report.lines())

    kind = kind_written(file.train, file.space, file.defaults)
    file = _expanded(file, kind)
    overrides = kind.values_by_path(kind.expand(file.overrides))
    space, is_sound = _resolved_space(file, kind, overrides, report)
    spec = _spec_of(file, space, overrides)

    report.add(cross_faults(spec, is_sound))
    report.add(list(points_faults(spec, file.points)))
    report.add(list(reproducible_faults(spec)) if file.reproducible else [])
    points = spec.points
    if is_sound and not report.faults:
        points, point_faults = resolve_points(spec, file.points)
        report.add(point_faults)
    if is_sound and not report.faults:
        report.add(list(passing_faults(spec)))
    report.raise_faults()

    is_reproducible = file.reproducible
    if is_reproducible is None:
        is_reproducible = default_reproducible(spec)
    resolved = replace(
        spec,
        points=points,
        reproducible=is_reproducible,
        unlisted=tuple(_unlisted(file, kind, overrides, report)),
        notes=_notes(spec, file.points, points),
    )
    return _with_auto_pruner(resolved) if spec.is_pruner_open else resolved


def _with_auto_pruner(spec: StudySpec) -> StudySpec:
    pruner, why = auto_pruner(spec)
    return replace(spec, pruner=pruner, notes=(*spec.notes, auto_note(pruner, why)))


def _unlisted(
    file: StudyFile, kind: TrainingKind, overrides: Mapping[str, Value], report: FaultReport
) -> Iterator[KeyPath]:
    """Give the places of values that neither the file's recipe nor its space has.

    Overrides that stand in the file itself were looked at when they were set.
    """
    if file.train is None:
        return
    listed = {*kind.values_by_path(file.recipe), *kind.field_paths()}
    for index, first in enumerate(file.first):
        for name in kind.values_by_path(first.set):
            if not _is_listed(name, listed):
                yield ("first", index, "set", *name.split("."))
    for name in overrides:
        path = ("overrides", name)
        if report.overrides.origin(path) and not _is_listed(name, listed):
            yield path


def _is_listed(name: str, listed: set[str]) -> bool:
    """Whether a value, or a part of it, stands in the file."""
    return any(is_below(name, other) or is_below(other, name) for other in listed)


def _expanded(file: StudyFile, kind: TrainingKind) -> StudyFile:
    """Return the file with the values that it writes as nested mappings."""
    first = [entry.model_copy(update={"set": kind.expand(entry.set)}) for entry in file.first]
    fixed = kind.expand_fixed(file.recipe)
    return file.model_copy(update={"recipe": fixed, "first": tuple(first)})


def _resolved_space(
    file: StudyFile, kind: TrainingKind, overrides: Mapping[str, Value], report: FaultReport
) -> tuple[Space, bool]:
    """Return the space, and whether recipe and space are sound together."""
    space, faults = parse_space(
        file.space,
        file.recipe,
        kind,
        overrides,
        lambda space: _allowed_points(space, file, kind, overrides),
        keeps_seed=kind.keeps_seed,
    )
    faults = [*kind.space_faults(file.space), *faults]
    faults += seed_faults(kind, file.recipe, ("recipe",))
    faults += seed_faults(kind, overrides, ("overrides",))
    faults += hidden_faults(file.recipe, space, overrides, kind)
    is_sound = report.add(faults)
    return space, is_sound and not report.document.faults


def _allowed_points(
    space: Space, file: StudyFile, kind: TrainingKind, overrides: Mapping[str, Value]
) -> Allows:
    """Return which points of a space the file's rules allow."""

    def training_of(values: Mapping[str, Any]) -> Training | None:
        tree = kind.merge(kind.merge(file.recipe, values), overrides)
        return kind.put_together(kind.complete(tree))[0]

    rules = [parse_rule(text) for text in file.require]
    all_values = RuleValues(space, training_of)

    def allows(values: dict[str, Value]) -> bool:
        full = all_values.of(values) if rules else None
        return full is None or all(rule.holds(full) for rule in rules)

    return allows


def _spec_of(file: StudyFile, space: Space, overrides: Mapping[str, Value]) -> StudySpec:
    """Return the spec of a file whose points aren't counted yet."""
    roles = Roles(
        scientific=tuple(path for path in file.roles.scientific if path not in overrides),
        nuisance=tuple(path for path in file.roles.nuisance if path not in overrides),
    )
    is_pruner_open = isinstance(file.pruner, Auto)
    return StudySpec(
        study=file.study,
        question=file.question,
        objectives=file.objective,
        points=file.points or 1,
        replicates=file.replicates,
        concurrency=file.concurrency,
        resources=file.resources,
        sampler=file.sampler,
        pruner=NoPruning() if is_pruner_open else file.pruner,
        is_pruner_open=is_pruner_open,
        stop=file.stop,
        prices=file.prices if file.prices and file.prices.tree() else None,
        notify=file.notify,
        share=file.share,
        trial=file.trial,
        keep_checkpoints=file.keep_checkpoints,
        reproducible=True,
        train=file.train,
        max_epochs=file.max_epochs,
        epoch_cost=file.epoch_cost,
        fixed=file.recipe,
        space=space,
        roles=roles,
        mode=file.mode,
        racing=file.racing,
        confirm=file.confirm,
        warm_start=file.warm_start,
        require=file.require,
        first=file.first,
        overrides=overrides,
        defaults=file.defaults,
    )


def _notes(spec: StudySpec, points: int | None, resolved: int) -> tuple[str, ...]:
    """Return what the user should know of a number of points that was written otherwise."""
    if points is None or points == resolved:
        return ()
    used = f"points: {resolved} of the {points} are used"
    if spec.mode == "method-study":
        return (f"{used}, so that each level has equally many",)
    return (f"{used}, since there are no more with sampler {spec.sampler.name}",)
