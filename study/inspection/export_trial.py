"""Exports a trial: what runs without this project, its recipe, and its figures."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.errors import UserError
from study.execution.user.trust import check_study_trusted
from study.files.atomic import write_whole
from study.files.layout import StudyPaths
from study.files.trial_files import CHECKPOINT_PATTERN
from study.journal.history import History
from study.journal.ranking import best_point, fresh_value, is_confirmation_over, standing
from study.journal.replay import read_history
from study.journal.spec_versions import recorded_spec
from study.journal.trials import Trial
from study.spec.spec import StudySpec
from study.training.recipe.model_catalog import is_timm_name
from study.training.recipe.recipe import Recipe
from study.validation.section import is_factory_name

if TYPE_CHECKING:
    from study.inspection.export.network import ExportedNetwork
    from study.inspection.export.own_training import ExportedState

_FIGURES = "figures.json"


@dataclass(frozen=True, repr=False)
class ExportedTrial:
    """A trial that was written to a folder."""

    trial: Trial
    folder: Path
    content: ExportedNetwork | ExportedState
    """What was written of a network, or of an own training."""

    def notes(self, folder: str) -> Iterator[str]:
        """Give what there is to say of it, of a folder that the user knows by this name."""
        yield from self.content.notes(folder)

    def __repr__(self) -> str:
        files = ", ".join([*self.content.files, "figures.json"])
        return f"trial {self.trial.number} (point {self.trial.point}) in {self.folder}: {files}"


def export_trial(
    paths: StudyPaths, trial: str, to: Path, *, onnx: bool = False, trusted: bool = False
) -> ExportedTrial:
    """Write a trial's network, recipe and figures to ``to``, as ``study.inspection.export`` says.

    ``trial`` is a number, or ``best``. Raises UserError where there is no such trial, or its
    weights were not kept; for ``onnx`` also Untrusted where the model is own code, which that has
    to load, in a study that this user doesn't trust.
    """
    history = read_history(paths.journal)
    spec = recorded_spec(paths, history)
    if trial == "best":
        chosen = best_trial(history, spec, paths)
    else:
        chosen = _trial_of_number(history, trial)
    content: ExportedNetwork | ExportedState
    if spec.train is None:
        recipe = _recipe_of(history, spec, chosen)
        if onnx and is_factory_name(recipe.model.name) and not is_timm_name(recipe.model.name):
            check_study_trusted(paths, history.study, [recipe.model.name], trusted=trusted)
            sys.path.append(str(Path.cwd()))  # where `study run` finds it too
        content = _export_network(paths, chosen, recipe, to, onnx=onnx)
    else:
        content = _export_own(paths, history, spec, chosen, to, onnx=onnx)
    figures = figures_of(history, spec, chosen) | {"weights_epoch": content.epoch}
    write_whole(to / _FIGURES, json.dumps(figures, indent=2) + "\n")
    return ExportedTrial(chosen, to, content)


def _recipe_of(history: History, spec: StudySpec, trial: Trial) -> Recipe:
    values = history.points[trial.point].values
    return spec.recipe(values, trial.seed, trial.substitutions)


def _export_network(
    paths: StudyPaths, trial: Trial, recipe: Recipe, to: Path, *, onnx: bool
) -> ExportedNetwork:
    from study.inspection.export.network import export_network

    return export_network(paths.checkpoints(trial.point, trial.replicate), recipe, to, onnx=onnx)


def _export_own(
    paths: StudyPaths, history: History, spec: StudySpec, trial: Trial, to: Path, *, onnx: bool
) -> ExportedState:
    from study.inspection.export.own_training import export_own_training

    if onnx:
        raise UserError(f"--onnx: which network {spec.train} trains, only its function knows")
    place = (trial.point, trial.replicate)
    training = spec.training(history.points[trial.point].values, trial.substitutions)
    config = training.tree(trial.seed)
    return export_own_training(paths.checkpoints(*place), paths.kept(*place), config, to)


def _trial_of_number(history: History, text: str) -> Trial:
    if not text.isdecimal() or int(text) >= len(history.trials):
        raise UserError(
            f"a trial is 'best' or a number below {len(history.trials)}, not {text!r:.40}"
        )
    return history.trials[int(text)]


def best_trial(history: History, spec: StudySpec, paths: StudyPaths) -> Trial:
    """Return the best point's first complete trial whose weights were kept, else its first one.

    Of equal points the first is the best. Raises UserError where none is complete.
    """
    best = best_point(history.points, spec, whole_seeds=history.whole_seeds)
    if best is None:
        raise UserError(f"no point of {history.study} is complete yet")
    trials = [
        trial
        for trial in best.trials.values()
        if trial.state == "COMPLETE" and trial.kind == "search"
    ]
    trials.sort(key=lambda trial: trial.replicate)
    for trial in trials:
        if any(paths.checkpoints(best.number, trial.replicate).glob(CHECKPOINT_PATTERN)):
            return trial
    return trials[0]


def figures_of(history: History, spec: StudySpec, trial: Trial) -> dict[str, Any]:
    """Return a trial's figures: where it comes from, how its point ranks, and what came of it."""
    session = history.sessions[-1] if history.sessions else None
    point = history.points[trial.point]
    confirmed = is_confirmation_over(history.points, spec, whole_seeds=history.whole_seeds)
    place = standing(point, spec, confirmed=confirmed)
    return {
        "study": history.study,
        "spec_hash": spec.hash(),
        "trial": trial.number,
        "point": trial.point,
        "replicate": trial.replicate,
        "seed": trial.seed,
        "state": trial.state,
        "standing": place.name if place else None,
        "point_value": point.value,
        "fresh_value": fresh_value(point, spec),
        "epochs": trial.epochs,
        "stop_reason": trial.stop_reason,
        **trial.summary,
        "last_epoch": trial.rows[-1] if trial.rows else None,
        "provenance": session.provenance if session else None,
    }
