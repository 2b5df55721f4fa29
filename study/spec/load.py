"""Read a study file, or plain data, into a spec, or into every fault as one line with its place.

>>> spec = load_spec("quickstart", sets=["recipe.epochs=2"])
>>> spec.points, spec.space.paths()

Neither torch, Ray nor Optuna is loaded here, so that three mistakes in a file are three lines in a
moment.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import search_spaces
from search_spaces.validation import Fault, KeyPath, alternatives, closest_match
from study.errors import SpecError, SpecUnreadable, UserError
from study.files.plain_data import plain_data_faults
from study.files.storage import StorageLike, StoragePath
from study.files.storage_uri import path_as_written
from study.files.yaml_reader import LARGEST_BYTES, Document, read_yaml
from study.spec.checks.own_checks import missing_faults, unlisted_faults
from study.spec.fault_report import FaultReport, one_line
from study.spec.overrides import Overrides
from study.spec.resolve import resolve_spec
from study.spec.spec import StudySpec
from study.validation.path_value import parse_path_value, path_value_fault


def load_spec(
    source: StorageLike,
    *,
    sets: Sequence[str] = (),
    name: str | None = None,
    points: int | None = None,
) -> StudySpec:
    """Return the spec of a study file, by its path or by the name of a shipped study.

    ``sets`` are ``path=value`` texts that win over the file; ``name`` and ``points`` are two of
    them by another way. Raises SpecError with every fault as one line.
    """
    path = _located(source)
    label = str(source) if path == path_as_written(source) else str(path)
    try:
        content = _beginning(path)
    except OSError as error:
        reason = error.strerror or error
        line = f"{label}:1: must be a readable file; found {reason}"
        raise SpecUnreadable([one_line(line)]) from None
    key = (content, tuple(sets), name, points)
    if key not in _READ_BEFORE:
        _remember(key, _read(content, label, sets, name, points))
    return _READ_BEFORE[key]


def _read(
    content: bytes, label: str, sets: Sequence[str], name: str | None, points: int | None
) -> StudySpec:
    """Return the spec of a file's content with the options over it; errors call it ``label``."""
    return _resolved(read_yaml(content), label, sets, name, points)


def _resolved(
    document: Document, label: str, sets: Sequence[str], name: str | None, points: int | None
) -> StudySpec:
    overrides = _laid_over(document, sets, name, points)
    return resolve_spec(overrides.tree, FaultReport(label, document, overrides))


def _laid_over(
    document: Document, sets: Sequence[str], name: str | None, points: int | None
) -> Overrides:
    """Return a document's tree with the options over it."""
    overrides = Overrides(document.tree)
    if isinstance(document.tree, Mapping):
        for text in sets:
            overrides.add(text)
        if name is not None:
            overrides.put("--name", ("study",), name)
        if points is not None:
            overrides.put("--points", ("points",), points)
    return overrides


def refuse(
    source: StorageLike | Mapping[str, Any] | StudySpec,
    faults: Sequence[Fault],
    *,
    sets: Sequence[str] = (),
    name: str | None = None,
    points: int | None = None,
) -> None:
    """Raise SpecError where there are faults, each a line with its place in the file.

    ``source`` and the options are those that the spec was read from.
    """
    if not faults:
        return
    if isinstance(source, StudySpec | Mapping):
        raise SpecError([one_line(f"<python>:1: {fault}") for fault in faults])
    path = _located(source)
    label = str(source) if path == path_as_written(source) else str(path)
    document = read_yaml(_beginning(path))
    report = FaultReport(label, document, _laid_over(document, sets, name, points))
    report.add(faults)
    raise SpecError(report.lines())


_SpecKey = tuple[bytes, tuple[str, ...], str | None, int | None]
_READ_BEFORE: OrderedDict[_SpecKey, StudySpec] = OrderedDict()
"""The specs of the last few contents: a command comes to its study's file from several sides."""
_MOST_REMEMBERED = 8


def _remember(key: _SpecKey, spec: StudySpec) -> None:
    _READ_BEFORE[key] = spec
    while len(_READ_BEFORE) > _MOST_REMEMBERED:
        _READ_BEFORE.popitem(last=False)


def raise_faults_of_names(
    source: StorageLike, sets: Sequence[str], faults: Sequence[tuple[str, Fault]]
) -> None:
    """Raise SpecError with faults of what a study file names, each at the line that names it.

    Each comes with the key or value at fault, as the file has it. Nothing happens without any.
    """
    if not faults:
        return
    path = _located(source)
    document = read_yaml(_beginning(path))
    overrides = Overrides(document.tree)
    for text in sets:
        overrides.add(text)
    report = FaultReport(str(source), document, overrides)
    for name, fault in faults:
        report.faults.append(replace(fault, path=_place_of(overrides.tree, name) or ()))
    report.raise_faults()


def _place_of(tree: Any, name: str) -> KeyPath | None:
    """Find the first key or value of a tree that is ``name``."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(tree, Mapping):
        items = tree.items()
    elif isinstance(tree, list):
        items = enumerate(tree)
    for key, value in items:
        if name in (key, value) or str(key).endswith(f".{name}"):
            return (key,)
        below = _place_of(value, name)
        if below is not None:
            return (key, *below)
    return None


def study_file_text(spec: StudySpec) -> str:
    """Return the text of a study's own file: its spec with the recipe's defaults of now.

    A file with this text isn't validated anew by this process: its spec is known.
    """
    recorded = replace(spec.with_recorded_defaults(), notes=())
    text = recorded.yaml()
    _remember((text.encode(), (), None, None), recorded)
    return text


def _beginning(path: StoragePath) -> bytes:
    """Read a file, or of one that is far too large as much as shows that."""
    with path.open_binary() as file:
        return file.read(LARGEST_BYTES + 1)


def spec_from_tree(
    tree: Mapping[str, Any],
    file: str = "<python>",
    *,
    sets: Sequence[str] = (),
    name: str | None = None,
    points: int | None = None,
) -> StudySpec:
    """Return the spec of plain data built in Python, or of a tree that ``StudySpec.tree`` gave.

    The options are those of ``load_spec``.
    """
    document = Document(tree=tree, faults=[(1, fault) for fault in plain_data_faults(tree)])
    FaultReport(file, document).raise_faults()
    plain = Document(tree=_with_lists(tree))
    return _resolved(plain, file, sets, name, points)


def _with_lists(value: Any) -> Any:
    """Return plain data with lists and dictionaries, as a file has them."""
    if isinstance(value, Mapping):
        return {key: _with_lists(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_lists(item) for item in value]
    return value


# -- where study files are -------------------------------------------------------------


def shipped_studies() -> dict[str, Path]:
    """Return the study files that come with the project, by name."""
    folder = Path(str(search_spaces.__file__)).parent / "studies"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def starting_file(name: str = "my-study") -> str:
    """Return a commented study file that is valid as it stands, for a study called ``name``."""
    template = Path(__file__).with_name("templates") / "study.yaml"
    text = template.read_text(encoding="utf-8")
    return text.replace("study: my-study ", f"study: {name} ", 1)


def _located(source: StorageLike) -> StoragePath:
    """Return the file that ``source`` names: itself, or the shipped study of that name."""
    path = path_as_written(source)
    local = path.local_path()
    if local is None:
        return path
    try:
        if path.is_file() or (path.exists() and not path.is_dir()):
            return path
    except (OSError, ValueError) as error:
        line = f"{str(source)[:80]}:1: must be a study file; found {error}"
        raise SpecError([one_line(line)]) from None
    shipped = shipped_studies()
    if str(source) in shipped:
        return path_as_written(shipped[str(source)])
    fault = Fault(
        (),
        "must be a study file or the name of a shipped study",
        "a folder" if path.is_dir() else "no such file",
        alternatives(shipped),
        _file_meant(str(source)) or closest_match(local.stem, shipped),
    )
    raise SpecError([one_line(f"{source}:1: {fault}")])


def _file_meant(source: str) -> str:
    """Return the study file whose name lacks nothing but its ending; empty where there is none."""
    names = (f"{source}{ending}" for ending in (".yaml", ".yml"))
    return next((name for name in names if Path(name).is_file()), "")


_ENTRY = "--set"
"""What faults of a point that a user adds are said to lie in."""


# -- one point by itself ---------------------------------------------------------------


@dataclass(frozen=True)
class OwnPoint:
    """One point of a study with an own training, to be trained by itself."""

    train: str
    config: Mapping[str, Any]
    objectives: tuple[str, ...]
    """The metrics that its function must report."""
    epochs: int | None


def own_training_in(source: str, sets: Sequence[str]) -> OwnPoint | None:
    """Return the own training that a study file names, its config with the values of
    ``optimizer.lr=0.1`` texts; None where the file names none.

    Raises SpecError where the file is at fault, or a value is missing that the space varies.
    """
    path = path_as_written(source)
    try:
        tree = read_yaml(_beginning(path)).tree if path.is_file() else None
    except OSError:
        return None  # whoever reads it says why
    if not isinstance(tree, Mapping) or tree.get("train") is None:
        return None
    spec = load_spec(source)
    assert spec.train is not None
    values, _ = added_values(spec, sets)
    training = spec.training(values)
    return OwnPoint(spec.train, training.tree(0), spec.reported_objectives(), training.length)


# -- points that a user adds by hand ---------------------------------------------------


def added_values(study: StudySpec, sets: Sequence[str]) -> tuple[dict[str, Any], bool]:
    """Return the values that ``optimizer.lr=0.1`` texts give a point of a study.

    They are checked as an entry of ``first:`` is. The second of the pair is whether the study's
    space could have given them.
    """
    tree = study.tree()
    entry = {"set": dict(_recipe_value(text) for text in sets)}
    # the entry stands alone: budgets and comparisons of the study don't concern it
    for key in ("confirm", "roles", "mode", "first"):
        tree.pop(key, None)
    try:
        spec = spec_from_tree(tree | {"first": [entry], "points": max(1, tree["points"])}, _ENTRY)
    except SpecError as error:
        place = f"{_ENTRY}:1: first[0].set"
        raise SpecError([line.replace(f"{place}.", f"{_ENTRY} ") for line in error.lines]) from None
    _check_listed(spec, study)
    values = dict(spec.first_values(0))
    return values, spec.params_of(values) is not None


def _check_listed(spec: StudySpec, study: StudySpec) -> None:
    """Raise SpecError where a point of an own training has other values than the study's points.

    What its function would take besides isn't asked: to look at a study runs none of its code.
    """
    if spec.train is None:
        return
    known = {name for first in study.first for name in spec.kind.values_by_path(first.set)}
    faults = [*unlisted_faults(spec, {*known, *spec.overrides}), *missing_faults(spec)]
    if faults:
        texts = [str(fault).removeprefix("first[0].set").lstrip(".: ") for fault in faults]
        raise SpecError([one_line(f"{_ENTRY} {text}") for text in texts])


def _recipe_value(text: str) -> tuple[str, Any]:
    """Return the path and value of one ``path=value``; the path may begin with ``recipe.``."""
    setting = parse_path_value(text)
    if setting is None or setting.faults:
        raise UserError(f"--set: {path_value_fault(text, 'e.g. optimizer.lr=0.1')}")
    return setting.path.removeprefix("recipe."), setting.value
