"""Extending a study: what may change between one version of its spec and the next, and what that
reopens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from study.errors import UserError
from study.files.trial_files import CHECKPOINT_PATTERN
from study.journal.events import PointReopened
from study.journal.history import History
from study.journal.outcomes import search_trials
from study.journal.trials import Trial

if TYPE_CHECKING:
    from study.files.layout import StudyPaths
    from study.spec.spec import StudySpec

_CHANGEABLE = (
    "question",
    "points",
    "replicates",
    "stop",
    "share",
    "prices",
    "notify",
    "trial",
    "keep_checkpoints",
    "confirm",
    "concurrency",
    "resources",
)
"""Parts of a spec that entered no point, stop decision or metric that was recorded."""

_Change = tuple[Any, Any]
"""A recipe value before and after."""


def check_extension(old: StudySpec, new: StudySpec, history: History) -> None:
    """Raise UserError, with every reason, where the new spec contradicts what has been recorded."""
    refused = list(_contradictions(old, new, history))
    if refused:
        lines = "\n".join(f"  {line}" for line in refused)
        raise UserError(
            f"study {old.study} can't be extended like this:\n{lines}\n"
            "Run what you want as a study of its own, under another --name."
        )


def _contradictions(old: StudySpec, new: StudySpec, history: History) -> Iterator[str]:
    """Each reason why the study can't go on with the new spec, as a line for the user."""
    yield from _shrunk_counts(old, new, history)
    yield from _changed_parts(old, new)
    yield from _recipe_contradictions(old, new, history)
    for point in history.points:
        if point.is_in_space and new.params_of(point.values) is None:
            yield f"space: point {point.number} no longer lies in it"
        before = old.broken_rules(point.values)
        for rule in new.broken_rules(point.values):
            if rule not in before:
                yield f"require: point {point.number} would break {rule.text}"


def _shrunk_counts(old: StudySpec, new: StudySpec, history: History) -> Iterator[str]:
    asked = sum(point.origin != "user" for point in history.points)
    if new.points < asked:
        yield f"points: {asked} are proposed already; found {new.points}"
    if new.replicates < old.replicates:
        yield f"replicates: can only grow; found {old.replicates} -> {new.replicates}"


def _changed_parts(old: StudySpec, new: StudySpec) -> Iterator[str]:
    """Changes in parts of the spec that must stay, the recipe and the space aside."""
    may_differ: dict[str, Any] = {name: getattr(old, name) for name in _CHANGEABLE}
    recipe: dict[str, Any] = {"fixed": old.fixed, "overrides": old.overrides, "space": old.space}
    yield from old.differences(replace(new, **may_differ, **recipe))


def _recipe_contradictions(old: StudySpec, new: StudySpec, history: History) -> Iterator[str]:
    """Changes of recipe values, of which only a growing number of epochs is allowed."""
    for path, (before, after) in _recipe_changes(old, new).items():
        if path != "epochs":
            yield f"recipe.{path}: {before} -> {after}"
        elif not isinstance(after, int) or after < before:
            yield f"recipe.epochs: can only grow; found {before} -> {after}"
        else:
            bound = {old.training(point.values).bound_to_length for point in history.points}
            for what in sorted(filter(None, bound)):
                yield f"recipe.epochs: {what} depends on the length of training"


def _recipe_changes(old: StudySpec, new: StudySpec) -> dict[str, _Change]:
    """The fixed recipe values that differ, by dotted path, overrides among them."""
    before, after = _fixed_values(old), _fixed_values(new)
    changes = {path: (before.get(path), after.get(path)) for path in sorted(before | after)}
    return {path: values for path, values in changes.items() if values[0] != values[1]}


def _fixed_values(spec: StudySpec) -> dict[str, Any]:
    return spec.kind.default_values | spec.kind.values_by_path(spec.recipe_tree({}))


def reopenings(
    old: StudySpec, new: StudySpec, history: History, paths: StudyPaths
) -> list[PointReopened]:
    """The events that take ends back: of trials that train on, of points that get more seeds.

    Raises UserError where a trial that shall train on has no checkpoint left.
    """
    is_longer = "epochs" in _recipe_changes(old, new)
    events: list[PointReopened] = []
    for point in history.points:
        if point.state != "COMPLETE" or point.is_dropped:
            continue
        trials = [trial for trial in search_trials(point) if is_longer and _may_train_on(trial)]
        for trial in trials:
            _check_checkpoint_kept(trial, old, paths)
            events.append(PointReopened(point=point.number, trial=trial.number, why="extended"))
        if not trials and new.replicates > old.replicates:
            events.append(PointReopened(point=point.number, trial=None, why="extended"))
    return events


def _may_train_on(trial: Trial) -> bool:
    """Whether the trial ended for no other reason than that its epochs were done."""
    return trial.state == "COMPLETE" and trial.stop_reason == "epochs"


def _check_checkpoint_kept(trial: Trial, spec: StudySpec, paths: StudyPaths) -> None:
    """Raise UserError where a trial that shall train on has no checkpoint left."""
    if not any(paths.checkpoints(trial.point, trial.replicate).glob(CHECKPOINT_PATTERN)):
        raise UserError(
            f"trial {trial.number} can't train on: its checkpoint was not kept (keep_checkpoints:"
            f" {spec.keep_checkpoints}). With keep_checkpoints: last or all a study can be extended"
            " by epochs."
        )
