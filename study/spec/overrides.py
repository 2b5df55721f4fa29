"""What the command line sets over a study file: ``--set path=value``, ``--name``, ``--points``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from search_spaces.validation import Fault, KeyPath, describe, format_path
from study.files.yaml_reader import read_yaml
from study.spec.recipe_paths import values_by_path
from study.training.recipe.recipe import merge

_PART = re.compile(r"([^.\[\]\s]+)((?:\[\d{1,6}\])*)")
_VALUE = "value"
_NAMING_KEYS = {"objective": "metric"}
"""What a plain text in place of a mapping stands for, where it isn't ``name``."""


@dataclass
class Settings:
    """A study file's tree with options laid over it, which option wrote which path, and the
    options' own faults.
    """

    tree: Any
    origins: dict[str, str] = field(default_factory=dict)
    faults: list[tuple[str, Fault]] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Lay one ``path=value`` over the tree."""
        option = f"--set {text}"
        left, sign, right = text.partition("=")
        path = _parsed(left.strip())
        if not sign or not path:
            fault = Fault(
                (),
                "must be path=value",
                describe(text),
                "a key of the study file, such as recipe.epochs=60",
            )
            self.faults.append(("--set", fault))
            return
        document = read_yaml(f"{_VALUE}: {right}")
        if document.faults:
            self.faults += [
                (option, replace(fault, path=(*path, *fault.path[1:])))
                for _, fault in document.faults
            ]
        elif path[0] == "recipe":
            self.override(option, path[1:], document.tree[_VALUE])
        else:
            self.put(option, path, document.tree[_VALUE])

    def override(self, option: str, path: KeyPath, value: Any) -> None:
        """Lay a value of the recipe over everything: the fixed recipe, the space and ``first:``."""
        tree = {".".join(map(str, path)): value} if path else value
        if not isinstance(tree, Mapping):
            self.faults.append((option, Fault(("recipe",), "must be a mapping", describe(value))))
            return
        for name, item in values_by_path(merge({}, tree)).items():
            self.put(option, ("overrides", name), item)

    def put(self, option: str, path: KeyPath, value: Any) -> None:
        """Write a value at a path, making mappings on the way."""
        new = next(
            (length for length in range(1, len(path)) if not _has(self.tree, path[:length])),
            len(path),
        )
        try:
            self.tree = _placed(self.tree, path, value, "")
        except LookupError as error:
            self.faults.append(
                (option, Fault(path, "must lead to a key or to an entry of a list", str(error)))
            )
            return
        self.origins[format_path(path)] = self.origins[format_path(path[:new])] = option

    def origin(self, path: KeyPath) -> str | None:
        """The option that wrote what stands at a path."""
        lengths = range(len(path), 0, -1)
        return next(
            (
                self.origins[name]
                for length in lengths
                if (name := format_path(path[:length])) in self.origins
            ),
            None,
        )


def _parsed(text: str) -> KeyPath:
    """``first[0].set`` as ``("first", 0, "set")``; empty where the text is no path."""
    path: KeyPath = ()
    for part in text.split("."):
        match = _PART.fullmatch(part)
        if match is None:
            return ()
        path = (
            *path,
            match.group(1),
            *(int(index) for index in re.findall(r"\d+", match.group(2))),
        )
    return path


def _placed(holder: Any, path: KeyPath, value: Any, key: str) -> Any:
    """``holder``, which stands under ``key``, with ``value`` at ``path``; LookupError where the
    path leads nowhere.
    """
    if not path:
        return value
    part, rest = path[0], path[1:]
    if isinstance(part, int):
        if not isinstance(holder, list) or part >= len(holder):
            raise LookupError(
                f"{len(holder)} entries" if isinstance(holder, list) else describe(holder)
            )
        return [*holder[:part], _placed(holder[part], rest, value, ""), *holder[part + 1 :]]
    if isinstance(holder, list):
        raise LookupError("a list")
    if isinstance(holder, str):
        holder = {_NAMING_KEYS.get(key, "name"): holder}
    mapping = holder if isinstance(holder, Mapping) else {}
    return {**mapping, part: _placed(mapping.get(part), rest, value, part)}


def _has(tree: Any, path: KeyPath) -> bool:
    for part in path:
        if isinstance(part, int):
            if not isinstance(tree, list) or part >= len(tree):
                return False
        elif not isinstance(tree, Mapping) or part not in tree:
            return False
        tree = tree[part]
    return True
