"""From a study file, or plain data, to a spec, or to every fault as one line with its place.

>>> spec = load_spec("quickstart", sets=["recipe.epochs=2"])
>>> spec.points, spec.space.paths()

Neither torch, Ray nor Optuna is loaded here, so that three mistakes in a file are three lines in a
moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

import search_spaces
from search_spaces.parse import parse_space
from search_spaces.validation import Fault, alternatives, closest_match, describe, format_path
from study.errors import SpecError, UserError
from study.files.layout import StudyPaths
from study.files.plain_data import plain_data_faults
from study.files.storage import StorageLike, StoragePath
from study.files.storage_uri import path_as_written
from study.files.yaml_reader import LARGEST_BYTES, Document, read_yaml
from study.spec.cross_checks import (
    cross_faults,
    default_reproducible,
    hidden_faults,
    points_faults,
    reproducible_faults,
    resolve_points,
    seed_faults,
)
from study.spec.overrides import Settings
from study.spec.recipe_paths import FIELDS, SECTIONS, values_by_path
from study.spec.sections import First, Roles
from study.spec.spec import StudySpec
from study.spec.study_file import STUDY_FILE
from study.training.recipe import recipe as recipes
from study.training.recipe.defaults import RecipeSchema


def load_spec(
    source: StorageLike,
    *,
    sets: Sequence[str] = (),
    name: str | None = None,
    points: int | None = None,
) -> StudySpec:
    """The spec of a study file, by its path or by the name of a shipped study.

    ``sets`` are ``path=value`` texts that win over the file; ``name`` and ``points`` are two of
    them by another way. Raises SpecError with every fault as one line.
    """
    path = _located(source)
    label = str(source) if path == path_as_written(source) else str(path)
    try:
        document = read_yaml(_beginning(path))
    except OSError as error:
        raise SpecError(
            [_one_line(f"{label}:1: must be a readable file; found {error.strerror or error}")]
        ) from None
    report = Report(label, document)
    settings = Settings(document.tree)
    if isinstance(document.tree, Mapping):
        for text in sets:
            settings.add(text)
        if name is not None:
            settings.put("--name", ("study",), name)
        if points is not None:
            settings.put("--points", ("points",), points)
    report.settings = settings
    return read(settings.tree, report)


def _beginning(path: StoragePath) -> bytes:
    """Read a file, or of one that is far too large as much as shows that."""
    with path.open_binary() as file:
        return file.read(LARGEST_BYTES + 1)


def spec_from_tree(tree: Mapping[str, Any], file: str = "<python>") -> StudySpec:
    """The spec of plain data built in Python, or of a tree that ``StudySpec.tree`` gave."""
    document = Document(tree=tree, faults=[(1, fault) for fault in plain_data_faults(tree)])
    report = Report(file, document)
    if document.faults:
        raise SpecError(report.lines())
    return read(_plain(tree), report)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _located(source: StorageLike) -> StoragePath:
    """The file that ``source`` names: itself, or the shipped study of that name."""
    path, shipped = path_as_written(source), shipped_studies()
    local = path.local_path()
    if local is None:
        return path
    try:
        if path.is_file() or (path.exists() and not path.is_dir()):
            return path
    except (OSError, ValueError) as error:
        raise SpecError(
            [_one_line(f"{str(source)[:80]}:1: must be a study file; found {error}")]
        ) from None
    if str(source) in shipped:
        return path_as_written(shipped[str(source)])
    found = "a folder" if path.is_dir() else "no such file"
    ours = closest_match(local.stem, shipped)
    fault = Fault(
        (),
        "must be a study file or the name of a shipped study",
        found,
        alternatives(shipped),
        ours,
    )
    raise SpecError([_one_line(f"{source}:1: {fault}")])


def shipped_studies() -> dict[str, FilePath]:
    """The studies that come with the project, by name."""
    folder = FilePath(str(search_spaces.__file__)).parent / "studies"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


@dataclass
class Report:
    """Collects faults and renders each as one line: where it is, and what is wrong there."""

    file: str
    document: Document
    settings: Settings = field(default_factory=lambda: Settings(None))
    faults: list[Fault] = field(default_factory=list)

    def add(self, faults: Sequence[Fault]) -> bool:
        """Add faults, one a path, and none where the text itself is at fault; whether there were
        none.
        """
        bad = [
            format_path(fault.path)
            for _, fault in self.document.faults
            if fault.path and not fault.on_key
        ]
        for fault in faults:
            path = format_path(fault.path)
            known = any(fault.path == other.path for other in self.faults)
            if not known and not any(
                path == top or path.startswith((f"{top}.", f"{top}[")) for top in bad
            ):
                self.faults.append(fault)
        return not faults

    def lines(self) -> list[str]:
        """All faults: those of the file by line, then those of the command line."""
        placed = list(self.document.faults)
        options = [f"{option}: {fault}" for option, fault in self.settings.faults]
        for fault in self.faults:
            option = self.settings.origin(fault.path)
            if option is None:
                placed.append((self.document.line(fault.path, fault.on_key), fault))
            else:
                options.append(f"{option}: {_as_set(fault)}")
        placed.sort(key=lambda entry: entry[0])
        lines = [*(f"{self.file}:{line}: {fault}" for line, fault in placed), *options]
        return list(dict.fromkeys(_one_line(line) for line in lines))

    def check(self) -> None:
        """Raise what was collected."""
        if self.document.faults or self.faults or self.settings.faults:
            raise SpecError(self.lines())


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in text)


def _as_set(fault: Fault) -> Fault:
    """A fault in an override, at the path that ``--set`` knows it by."""
    return (
        replace(fault, path=("recipe", *fault.path[1:]))
        if fault.path[:1] == ("overrides",)
        else fault
    )


def read(tree: Any, report: Report) -> StudySpec:
    """Judge a tree whole; raises SpecError with all its faults."""
    if not isinstance(tree, Mapping):
        if not report.document.faults:
            report.add([Fault((), "must be a mapping", describe(tree))])
        raise SpecError(report.lines())
    faults: list[Fault] = []
    values = STUDY_FILE.read(_hinted(tree, faults), (), faults)
    report.add(faults)
    sound = _recipe_and_space(values, report)
    points, reproducible = values.pop("points"), values.pop("reproducible")
    spec = StudySpec(**values, points=points or 1)
    report.add(cross_faults(spec, sound))
    report.add(list(points_faults(spec, points)))
    report.add(list(reproducible_faults(spec)) if reproducible else [])
    resolved = points
    if sound and not report.faults:
        resolved, point_faults = resolve_points(spec, points)
        report.add(point_faults)
    report.check()
    notes = (
        (_point_note(spec, points, resolved),) if points is not None and resolved != points else ()
    )
    reproducible = default_reproducible(spec) if reproducible is None else reproducible
    return replace(spec, points=resolved, reproducible=reproducible, notes=notes)


def _point_note(spec: StudySpec, points: int, resolved: int) -> str:
    if spec.mode == "method-study":
        return f"points: {resolved} of the {points} are used, so that each level has equally many"
    return (
        f"points: {resolved} of the {points} are used, since there are no more with sampler"
        f" {spec.sampler.name}"
    )


def _hinted(tree: Mapping[str, Any], faults: list[Fault]) -> dict[str, Any]:
    """The tree without top-level keys that belong into the recipe, which are faults with a hint of
    their own.
    """
    kept = {}
    for key, value in tree.items():
        if (
            key not in STUDY_FILE.fields
            and key not in STUDY_FILE.foreign
            and (key in FIELDS or key in SECTIONS)
        ):
            accepted = alternatives(STUDY_FILE.fields)
            faults.append(
                Fault(
                    (key,),
                    "must be a known key",
                    describe(key),
                    accepted,
                    f"recipe.{key}",
                    on_key=True,
                )
            )
        else:
            kept[key] = value
    return kept


def _recipe_and_space(values: dict[str, Any], report: Report) -> bool:
    """Read the trees among ``values`` into their final form, in place; whether all of them are
    sound.
    """
    overrides = values["overrides"] = values_by_path(recipes.merge({}, values["overrides"]))
    fixed = values["fixed"] = recipes.merge({}, values.pop("recipe"))
    schema = RecipeSchema(values["defaults"])
    space, faults = parse_space(values["space"], fixed, schema, overrides)
    faults += [*seed_faults(fixed, ("recipe",)), *seed_faults(overrides, ("overrides",))]
    sound = report.add([*faults, *hidden_faults(fixed, space, overrides, schema)])
    values["space"] = space
    values["first"] = tuple(
        First(recipes.merge({}, first.set), first.published) for first in values["first"]
    )
    values["objectives"] = values.pop("objective")
    values["roles"] = Roles(
        *(
            _without(paths, overrides)
            for paths in (values["roles"].scientific, values["roles"].nuisance)
        )
    )
    return sound and not report.document.faults


def _without(paths: Sequence[str], overrides: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths of a role but those that an override fixes."""
    return tuple(path for path in paths if path not in overrides)


# -- points that a user adds by hand ---------------------------------------------------


def added_values(paths: StudyPaths, sets: Sequence[str]) -> tuple[dict[str, Any], bool]:
    """The values that ``optimizer.lr=0.1`` texts give a point, and whether the space could have
    given them.

    They are checked as an entry of ``first:`` is.
    """
    tree = load_spec(paths.spec).tree()
    entry = {"set": dict(_setting(text) for text in sets)}
    # the entry stands alone: budgets and comparisons of the study don't concern it
    for key in ("confirm", "roles", "mode", "first"):
        tree.pop(key, None)
    spec = spec_from_tree(tree | {"first": [entry], "points": max(1, tree["points"])}, "--set")
    values = dict(spec.first_values(0))
    return values, spec.params_of(values) is not None


def _setting(text: str) -> tuple[str, Any]:
    """One ``path=value``; the path may begin with ``recipe.`` as elsewhere."""
    path, sign, value = text.partition("=")
    document = read_yaml(value)
    if not sign or not path.strip() or document.faults:
        raise UserError(
            f"--set: must be path=value; found {describe(text)}; accepted e.g. optimizer.lr=0.1"
        )
    return path.strip().removeprefix("recipe."), document.tree
