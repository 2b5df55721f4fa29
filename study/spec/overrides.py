"""What the command line sets over a study file: ``--set path=value``, ``--name``, ``--points``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from search_spaces.validation import Fault, KeyPath, describe, format_path
from study.spec.kinds import kind_written
from study.validation.path_value import parse_path_value, path_value_fault

_PART = re.compile(r"([^.\[\]\s]+)((?:\[\d{1,6}\])*)")
_EXAMPLE = "a key of the study file, such as recipe.epochs=60"
_SHORT_FOR = {"objective": "metric"}
"""What a plain text in place of a mapping stands for, where it isn't ``name``."""


class Overrides:
    """A study file's tree with options laid over it: which wrote what, and their own faults."""

    def __init__(self, tree: Any) -> None:
        self.tree = tree
        self.faults: list[tuple[str, Fault]] = []
        """Each with the option that it is in."""
        self._origins: dict[str, str] = {}

    def add(self, text: str) -> None:
        """Lay one ``path=value`` over the tree."""
        setting = parse_path_value(text)
        path = _parsed_path(setting.path) if setting else ()
        if setting is None or not path:
            self.faults.append(("--set", path_value_fault(text, _EXAMPLE)))
            return
        option = f"--set {text}"
        if setting.faults:
            self.faults += [(option, fault.under(path)) for fault in setting.faults]
        elif path[0] == "recipe":
            self._put_over_recipe(option, path[1:], setting.value)
        else:
            self.put(option, path, setting.value)

    def _put_over_recipe(self, option: str, path: KeyPath, value: Any) -> None:
        """Lay a value of the recipe over everything: the fixed recipe, the space and ``first:``."""
        tree = {".".join(map(str, path)): value} if path else value
        if not isinstance(tree, Mapping):
            fault = Fault(("recipe",), "must be a mapping", describe(value))
            self.faults.append((option, fault))
            return
        kind = kind_written(self.tree.get("train"), self.tree.get("space"), {})
        for name, item in kind.values_by_path(kind.expand(tree)).items():
            self.put(option, ("overrides", name), item)

    def put(self, option: str, path: KeyPath, value: Any) -> None:
        """Write a value at a path, making mappings on the way."""
        topmost = _first_missing(self.tree, path)
        try:
            self.tree = _with_value(self.tree, path, value, "")
        except LookupError as error:
            fault = Fault(path, "must lead to a key or to an entry of a list", str(error))
            self.faults.append((option, fault))
            return
        self._origins[format_path(path)] = option
        self._origins[format_path(topmost)] = option

    def origin(self, path: KeyPath) -> str | None:
        """Return the option that wrote what stands at a path; None where the file did."""
        for end in range(len(path), 0, -1):
            option = self._origins.get(format_path(path[:end]))
            if option is not None:
                return option
        return None


def _parsed_path(text: str) -> KeyPath:
    """Read ``first[0].set`` as ``("first", 0, "set")``; empty where the text is no path."""
    path: KeyPath = ()
    for part in text.split("."):
        match = _PART.fullmatch(part)
        if match is None:
            return ()
        indices = [int(index) for index in re.findall(r"\d+", match.group(2))]
        path = (*path, match.group(1), *indices)
    return path


def _first_missing(tree: Any, path: KeyPath) -> KeyPath:
    """Return the shortest beginning of ``path`` at which nothing stands yet, or all of it."""
    for end in range(1, len(path)):
        if not _has(tree, path[:end]):
            return path[:end]
    return path


def _has(tree: Any, path: KeyPath) -> bool:
    for part in path:
        if isinstance(part, int):
            if not isinstance(tree, list) or part >= len(tree):
                return False
        elif not isinstance(tree, Mapping) or part not in tree:
            return False
        tree = tree[part]
    return True


def _with_value(holder: Any, path: KeyPath, value: Any, key: str) -> Any:
    """Return a copy of ``holder``, which stands under ``key``, with ``value`` at ``path``.

    Raises LookupError, with what was found, where the path leads nowhere.
    """
    if not path:
        return value
    part, rest = path[0], path[1:]
    if isinstance(part, int):
        return _with_entry(holder, part, rest, value)
    if isinstance(holder, list):
        raise LookupError("a list")
    if isinstance(holder, str):
        holder = {_SHORT_FOR.get(key, "name"): holder}
    mapping = holder if isinstance(holder, Mapping) else {}
    return {**mapping, part: _with_value(mapping.get(part), rest, value, part)}


def _with_entry(holder: Any, index: int, rest: KeyPath, value: Any) -> list[Any]:
    if not isinstance(holder, list):
        raise LookupError(describe(holder))
    if index >= len(holder):
        raise LookupError(f"{len(holder)} entries")
    entry = _with_value(holder[index], rest, value, "")
    return [*holder[:index], entry, *holder[index + 1 :]]
