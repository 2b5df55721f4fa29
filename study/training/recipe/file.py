"""A recipe file: one recipe as YAML, with the command line's ``--set path=value`` over it.

No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from search_spaces.validation import Fault, describe, format_path, is_below
from study.errors import SpecError
from study.files.yaml_reader import LARGEST_BYTES, read_yaml
from study.training.recipe.recipe import Recipe, merge, parse_recipe
from study.validation.path_value import parse_path_value, path_value_fault

_EXAMPLE = "such as optimizer.lr=0.1"


def read_recipe(source: str | Path, sets: Sequence[str] = ()) -> Recipe:
    """Return the recipe of a file, with the values of ``path=value`` texts over it.

    Raises SpecError with every fault as a line: ``FILE:LINE: path: …``, or ``--set …: path: …``.
    """
    try:
        with open(source, "rb") as file:
            document = read_yaml(file.read(LARGEST_BYTES + 1))
    except OSError as error:
        reason = error.strerror or error
        raise SpecError([f"{source}:1: must be a readable file; found {reason}"]) from None
    lines = [f"{source}:{line}: {fault}" for line, fault in document.faults]
    if not lines and not isinstance(document.tree, Mapping):
        lines = [f"{source}:1: {Fault((), 'must be a mapping', describe(document.tree))}"]
    if lines:
        raise SpecError(lines)
    tree, origins = _with_settings(document.tree, sets)
    recipe, faults = parse_recipe(tree)
    if recipe is not None:
        return recipe
    for fault in faults:
        line = document.line(fault.path, fault.on_key)
        place = _origin_of(fault, origins) or f"{source}:{line}"
        lines.append(f"{place}: {fault}")
    raise SpecError(lines)


def _with_settings(
    tree: Mapping[str, object], sets: Sequence[str]
) -> tuple[dict[str, object], dict[str, str]]:
    """Return the tree with each ``path=value`` merged in, and which option wrote which path."""
    merged, origins, lines = dict(tree), dict[str, str](), list[str]()
    for text in sets:
        setting = parse_path_value(text)
        if setting is None:
            lines.append(f"--set: {path_value_fault(text, _EXAMPLE)}")
            continue
        lines += [f"--set {text}: {fault}" for fault in setting.faults]
        merged = merge(merged, {setting.path: setting.value})
        origins[setting.path] = f"--set {text}"
    if lines:
        raise SpecError(lines)
    return merged, origins


def _origin_of(fault: Fault, origins: Mapping[str, str]) -> str | None:
    """Return the option that wrote the fault's path, or one above or below it; None if none did."""
    path = format_path(fault.path)
    related = [name for name in origins if is_below(path, name) or is_below(name, path)]
    return origins[max(related, key=len)] if related else None
