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
from study.training.recipe.recipe_paths import values_by_path
from study.training.recipe.schedules import NEEDS_LENGTH

if TYPE_CHECKING:
    from study.files.layout import StudyPaths
    from study.spec.spec import StudySpec

_FREE = (
    "question",
    "points",
    "replicates",
    "stop",
    "trial",
    "keep_checkpoints",
    "confirm",
    "concurrency",
    "resources",
)
"""Parts of a spec that don't enter any point, stop decision or metric that was recorded."""

Change = tuple[Any, Any]


def check_extension(old: StudySpec, new: StudySpec, history: History) -> None:
    """UserError with the differences where the new spec would contradict what has been recorded."""
    refused = list(_contradictions(old, new, history))
    if refused:
        lines = "\n".join(f"  {line}" for line in refused)
        raise UserError(
            f"study {old.study} can't be extended like this:\n{lines}\n"
            "Run what you want as a study of its own, under another --name."
        )


def _contradictions(old: StudySpec, new: StudySpec, history: History) -> Iterator[str]:
    asked = sum(point.origin != "user" for point in history.points)
    if new.points < asked:
        yield f"points: {asked} are proposed already; found {new.points}"
    if new.replicates < old.replicates:
        yield f"replicates: can only grow; found {old.replicates} -> {new.replicates}"
    kept: dict[str, Any] = {name: getattr(old, name) for name in _FREE}
    recipe: dict[str, Any] = {"fixed": old.fixed, "overrides": old.overrides, "space": old.space}
    yield from old.differences(replace(new, **kept, **recipe))
    for path, (before, after) in _recipe_changes(old, new).items():
        if path != "epochs":
            yield f"recipe.{path}: {before} -> {after}"
        elif not isinstance(after, int) or after < before:
            yield f"recipe.epochs: can only grow; found {before} -> {after}"
        else:
            schedules = {old.recipe(point.values, 0).schedule.name for point in history.points}
            for name in sorted(schedules & NEEDS_LENGTH):
                yield f"recipe.epochs: the schedule {name} depends on the length of training"
    for point in history.points:
        if point.is_in_space and new.params_of(point.values) is None:
            yield f"space: point {point.number} no longer lies in it"


def _recipe_changes(old: StudySpec, new: StudySpec) -> dict[str, Change]:
    """The fixed recipe values that differ, overrides among them."""
    mine, theirs = _fixed_values(old), _fixed_values(new)
    return {
        path: (mine.get(path), theirs.get(path))
        for path in sorted(mine | theirs)
        if mine.get(path) != theirs.get(path)
    }


def _fixed_values(spec: StudySpec) -> dict[str, Any]:
    from study.training.recipe.recipe import Recipe

    return {"epochs": Recipe().epochs} | values_by_path(spec.recipe_tree({}))


def reopenings(
    old: StudySpec, new: StudySpec, history: History, paths: StudyPaths
) -> list[PointReopened]:
    """The journal's events that take ends back: for more epochs, and for more replicates."""
    longer = "epochs" in _recipe_changes(old, new)
    events: list[PointReopened] = []
    for point in history.points:
        if point.state != "COMPLETE":
            continue
        trials = [trial for trial in search_trials(point) if longer and _may_train_on(trial)]
        for trial in trials:
            check_kept(trial, old, paths)
            events.append(PointReopened(point=point.number, trial=trial.number, why="extended"))
        if not trials and new.replicates > old.replicates:
            events.append(PointReopened(point=point.number, trial=None, why="extended"))
    return events


def _may_train_on(trial: Trial) -> bool:
    return trial.state == "COMPLETE" and trial.stop_reason == "epochs"


def check_kept(trial: Trial, spec: StudySpec, paths: StudyPaths) -> None:
    """UserError where a trial that shall train on has no checkpoint left."""
    if not any(paths.checkpoints(trial.point, trial.replicate).glob(CHECKPOINT_PATTERN)):
        raise UserError(
            f"trial {trial.number} can't train on: its checkpoint was not kept (keep_checkpoints:"
            f" {spec.keep_checkpoints}). With keep_checkpoints: last or all a study can be extended"
            " by epochs."
        )
