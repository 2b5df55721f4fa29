"""An own training: a function that the study file names, and the configs that it is called with.

A config is nested plain data of the function's own. Which values there are, the file says: what
stands in ``recipe:`` and what ``space:`` varies. A section with branches (``one_of``) is a mapping
with the branch's name under ``name``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from search_spaces.distribution_syntax import DISTRIBUTION_KINDS, DISTRIBUTION_SYNONYMS
from search_spaces.space import Space
from search_spaces.validation import Fault, KeyPath, describe
from search_spaces.values import Scalar, Value
from study.spec.kinds.kind import Tree
from study.training.recipe.metric_catalog import FIXED_COLUMNS

_DEEPEST = 32
"""Deeper a config is plain data that nothing of is varied or shown by itself."""
LENGTH = "epochs"
"""The value of a config that says how many epochs a training has, if it is there."""


@dataclass(frozen=True)
class OwnTraining:
    """One config, whole."""

    config: Tree
    leaves: frozenset[str]
    """The dotted paths of mappings that are one value."""
    most_epochs: int | None

    @property
    def subject(self) -> Tree:
        """The config."""
        return self.config

    @property
    def length(self) -> int | None:
        """The config's ``epochs``, else the study file's ``max_epochs``."""
        epochs = self.config.get(LENGTH)
        is_length = isinstance(epochs, int) and not isinstance(epochs, bool) and epochs > 0
        return epochs if is_length else self.most_epochs

    @property
    def bound_to_length(self) -> str:
        """Nothing that is known: what the function does with its length is its own affair."""
        return ""

    def tree(self, seed: int) -> Tree:
        """Return the config: the seed isn't part of it."""
        return self.config

    def values(self) -> dict[str, Value]:
        """Return every leaf of the config."""
        return _leaves(self.config, self.leaves)

    def rule_values(self) -> dict[str, Value]:
        """Return every leaf of the config."""
        return self.values()

    def columns(self) -> dict[str, Scalar]:
        """Return every leaf of the config, lists and mappings as JSON text."""
        return {config_column_name(path): _cell(value) for path, value in self.values().items()}

    def in_half_the_memory(self) -> Tree:
        """Return nothing: how to save memory the function knows, by its attempt."""
        return {}


@dataclass(frozen=True)
class OwnKind:
    """The configs of one study."""

    sections: frozenset[str]
    """The dotted paths that have branches."""
    leaves: frozenset[str]
    """The dotted paths that the space sets, each as one value."""
    most_epochs: int | None = None
    """The study file's ``max_epochs``."""
    keeps_seed = False
    """A key ``seed`` is like any other."""

    @classmethod
    def of_tree(cls, space: object) -> OwnKind:
        """Return the configs of a study whose space is written like this."""
        sections, leaves = set[str](), set[str]()
        if isinstance(space, Mapping):
            _collect(space, "", sections, leaves)
        return cls(frozenset(sections), frozenset(leaves))

    @classmethod
    def of_space(cls, space: Space, most_epochs: int | None) -> OwnKind:
        """Return the configs of a study with this space."""
        sections = {item.path.removesuffix(".name") for item in space.items if item.branch}
        return cls(frozenset(sections), frozenset(space.paths()), most_epochs)

    @property
    def default_values(self) -> dict[str, Value]:
        """None: what a config leaves out, the function alone knows."""
        return {}

    @property
    def repeating_values(self) -> dict[str, Value]:
        """None that are known: what a GPU repeats is the function's affair."""
        return {}

    # -- what the space is read by -------------------------------------------------------

    def field_paths(self) -> frozenset[str]:
        """Return the paths that the space sets: the file itself says which there are."""
        return self.leaves

    def open_fields(self) -> frozenset[str]:
        """Return none: what the space sets of a mapping are leaves of their own."""
        return frozenset()

    def parse_recipe(self, tree: Mapping[str, object]) -> tuple[OwnTraining | None, list[Fault]]:
        """Return the training of a config: any is one."""
        return self.put_together(tree)

    def merge(self, base: Mapping[str, object], over: Mapping[str, object]) -> Tree:
        """Return ``base`` with ``over`` winning, key by key.

        Another branch drops the keys of the one before.
        """
        merged: Tree = self._merge(self.expand(base), self.expand(over), "")
        return merged

    def _merge(self, base: Any, over: Any, path: str) -> Any:
        if not isinstance(base, dict) or not isinstance(over, dict) or path in self.leaves:
            return over
        has_names = path in self.sections and "name" in base and "name" in over
        if has_names and base["name"] != over["name"]:
            return over
        merged = dict(base)
        for key, value in over.items():
            inner = f"{path}.{key}" if path else key
            merged[key] = self._merge(base[key], value, inner) if key in base else value
        return merged

    def space_faults(self, space: object) -> list[Fault]:
        """Return the mappings of a space that are distributions in other tools' words."""
        return list(_foreign(space, ("space",))) if isinstance(space, Mapping) else []

    # -- configs -------------------------------------------------------------------------

    def expand(self, tree: Mapping[str, object]) -> Tree:
        """Open dotted keys, and branches that are written as their name."""
        return self._expand(tree, "", 0)

    def expand_fixed(self, tree: Mapping[str, object]) -> Tree:
        """Open dotted keys and branches."""
        return self.expand(tree)

    def _expand(self, tree: Mapping[str, object], at: str, depth: int) -> Tree:
        full: Tree = {}
        for key, value in tree.items():
            first, dot, rest = str(key), "", ""
            if depth < _DEEPEST:
                first, dot, rest = first.partition(".")
            if dot:
                value = {rest: value}
            path = f"{at}.{first}" if at else first
            if isinstance(value, Mapping) and path not in self.leaves:
                value = self._expand(value, path, depth + 1)
            elif isinstance(value, str) and path in self.sections:
                value = {"name": value}
            full[first] = self._merge(full[first], value, path) if first in full else value
        return full

    def values_by_path(self, tree: Mapping[str, Any]) -> dict[str, Value]:
        """Return an expanded tree's leaves."""
        return _leaves(tree, self.leaves)

    def complete(self, tree: Mapping[str, object]) -> Tree:
        """Return the tree as it is."""
        return dict(tree)

    def put_together(self, tree: Mapping[str, object]) -> tuple[OwnTraining | None, list[Fault]]:
        """Return the training of a config: any is one."""
        return OwnTraining(self.expand(tree), self.leaves, self.most_epochs), []

    def column_of(self, path: str) -> str:
        """Return the path, or ``config.PATH`` where every table has a column of that name."""
        return config_column_name(path)

    def rule_names(self, written: Iterable[Mapping[str, Any]]) -> set[str]:
        """Return the values that the file writes."""
        names = set(self.leaves)
        for tree in written:
            names |= self.values_by_path(self.expand(tree)).keys()
        return names

    def defaults_for(self, written: Iterable[tuple[str, Any]]) -> dict[str, Tree]:
        """Return none."""
        return {}


def config_column_name(path: str) -> str:
    """Return the column of a config's leaf: its path, or ``config.PATH`` where that is taken."""
    return f"config.{path}" if path in FIXED_COLUMNS else path


def _foreign(tree: Mapping[str, object], at: KeyPath) -> Iterable[Fault]:
    for key, value in tree.items():
        if not isinstance(value, Mapping) or _is_distribution(value):
            continue
        path = (*at, str(key))
        branches = value.get("one_of")
        if isinstance(branches, Mapping):
            for branch, content in branches.items():
                if isinstance(content, Mapping):
                    yield from _foreign(content, (*path, "one_of", str(branch)))
        elif not value or set(value) <= set(DISTRIBUTION_SYNONYMS):
            ours = DISTRIBUTION_SYNONYMS[str(next(iter(value)))] if value else ""
            must = "must be a distribution, a mapping of them or a plain value"
            yield Fault(path, must, describe(dict(value)), " | ".join(DISTRIBUTION_KINDS), ours)
        else:
            yield from _foreign(value, path)


def _is_distribution(tree: Mapping[str, object]) -> bool:
    return "one_of" not in tree and any(kind in tree for kind in DISTRIBUTION_KINDS)


def _collect(
    tree: Mapping[str, object], at: str, sections: set[str], leaves: set[str], depth: int = 0
) -> None:
    """Find the sections and leaves of a space as it is written."""
    for key, value in tree.items():
        path = f"{at}.{key}" if at else str(key)
        if not isinstance(value, Mapping) or _is_distribution(value) or depth >= _DEEPEST:
            leaves.add(path)
        elif "one_of" in value:
            sections.add(path)
            leaves.add(f"{path}.name")
            branches = value["one_of"]
            for content in branches.values() if isinstance(branches, Mapping) else ():
                if isinstance(content, Mapping):
                    _collect(content, path, sections, leaves, depth + 1)
        elif value and set(value) - set(DISTRIBUTION_SYNONYMS):
            _collect(value, path, sections, leaves, depth + 1)
        else:
            leaves.add(path)


def _leaves(tree: Mapping[str, Any], whole: frozenset[str], at: str = "") -> dict[str, Value]:
    """Return the leaves of a tree by their dotted paths; mappings at ``whole`` are leaves."""
    leaves: dict[str, Value] = {}
    for key, value in tree.items():
        path = f"{at}.{key}" if at else str(key)
        if isinstance(value, Mapping) and value and path not in whole:
            leaves |= _leaves(value, whole, path)
        else:
            leaves[path] = value
    return leaves


def _cell(value: Value) -> Scalar:
    return json.dumps(value) if isinstance(value, dict | list) else value
