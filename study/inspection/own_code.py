"""Looks at the modules of one's own that a study file names, before anything is run.

They are loaded in another process, so that what they load, print or wait for is not this one's
matter. ``study.inspection.own_code_child`` is what runs there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.validation import Fault
from study.execution.resources import factories
from study.inspection.preview.points import DRAWN_POINTS, points_of
from study.spec.load import raise_faults_of_names
from study.training.recipe.augmentations import of_batches
from study.training.recipe.model_catalog import TIMM, is_timm_name
from study.training.recipe.recipe import Recipe
from study.validation.section import OwnPart, is_factory_name

if TYPE_CHECKING:
    from study.files.storage import StorageLike
    from study.spec.spec import StudySpec

_IMPORT_S = 60.0
"""So long all modules together may take to load."""
_CHECK_S = 1200.0
"""So long images may take to be read, and models to be built."""
_MOST_CHECKED = 12
"""So many different models, data and own parts are tried on a batch."""


def check_own_code(
    source: StorageLike,
    spec: StudySpec,
    sets: Sequence[str] = (),
    *,
    check_data: bool = False,
    data_dir: str | Path | None = None,
) -> list[str]:
    """Check that a study's own models, data sets and other parts can be loaded and called.

    With ``check_data`` the images are loaded, each model is built and trained on one batch; what
    came of that is returned as lines. Raises SpecError with each fault at the line of the study
    file ``source`` that names what is at fault.
    """
    possible = _possible_recipes(spec)
    calls = list(_calls(spec, possible))
    if not calls and not check_data:
        return []
    task: dict[str, Any] = {"path": [*sys.path, str(Path.cwd())], "calls": calls, "recipes": []}
    if check_data:
        checked = _different_recipes(possible)[:_MOST_CHECKED]
        task["recipes"] = [recipe.model_dump(mode="json") for recipe in checked]
        task["data_dir"] = str(data_dir) if data_dir else None
    answer = _ask_child(task, _CHECK_S if check_data else _IMPORT_S)
    faults = [
        (fault["name"], Fault((), fault["must"], fault["found"], fault["accepted"], fault["meant"]))
        for fault in answer["faults"]
    ]
    raise_faults_of_names(source, sets, faults)
    return list(answer["lines"])


def _possible_recipes(spec: StudySpec) -> list[Recipe]:
    """Return the recipes of points that the study could have."""
    points = islice(points_of(spec), min(spec.points, DRAWN_POINTS))
    subjects = [spec.training(values).subject for values in points]
    return [subject for subject in subjects if isinstance(subject, Recipe)]


def _different_recipes(recipes: Iterable[Recipe]) -> list[Recipe]:
    """Return a recipe for each different model, data, and parts of the user's own."""
    found: dict[str, Recipe] = {}
    for recipe in recipes:
        parts = [f"{role} {part.name}" for role, part in _own_parts(recipe)]
        key = recipe.model.model_dump_json() + recipe.data.model_dump_json() + str(parts)
        found.setdefault(key, recipe)
    return list(found.values())


def _own_parts(recipe: Recipe) -> Iterator[tuple[str, OwnPart]]:
    """Give a recipe's own loss, optimizer, schedule and augmentations, each with its role."""
    parts = {"loss": recipe.loss, "optimizer": recipe.optimizer, "schedule": recipe.schedule}
    for role, part in parts.items():
        if isinstance(part, OwnPart):
            yield role, part
    for each in of_batches(recipe.data.augment):
        if isinstance(each, OwnPart):
            yield "augment", each


def _calls(spec: StudySpec, recipes: Iterable[Recipe]) -> Iterator[dict[str, Any]]:
    """Give the calls that the study will make of own code, each once."""
    seen = set[tuple[str, str, tuple[str, ...]]]()
    for recipe in recipes:
        if is_timm_name(recipe.model.name):
            seen.add((recipe.model.name, TIMM, ()))
        elif is_factory_name(recipe.model.name):
            seen.add((recipe.model.name, "model", _names_of(recipe.model.options)))
        if is_factory_name(recipe.data.name):
            seen.add((recipe.data.name, "data", ()))
        seen |= {(part.name, role, _names_of(part.options)) for role, part in _own_parts(recipe)}
    if is_factory_name(spec.sampler.name):
        seen.add((spec.sampler.name, "sampler", _names_of(spec.sampler.options)))
    named = {name for name, _, _ in seen}
    if spec.train is None:  # else it is looked at apart, and its config's texts name nothing
        seen |= {(name, "", ()) for name in factories(spec.tree()) if name not in named}
    for name, role, options in sorted(seen):
        yield {"name": name, "role": role, "options": options}


def _names_of(options: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(options))


def _ask_child(task: dict[str, Any], limit_s: float) -> dict[str, Any]:
    """Return what the child process answers; a fault of all names where it doesn't."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "study.inspection.own_code_child"],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _fault_of_all(task, f"that its modules take more than {limit_s:.0f} s")
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        return _fault_of_all(task, f"that its process ended with code {done.returncode}: {last}")
    return answer


def _fault_of_all(task: dict[str, Any], found: str) -> dict[str, Any]:
    names = [call["name"] for call in task["calls"]] or ["data"]
    fault = {"must": "must be loadable", "found": found, "accepted": "", "meant": ""}
    return {"lines": [], "faults": [{"name": names[0], **fault}]}
