"""Points that a user adds to a study by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.faults import shown
from study.errors import UserError
from study.paths import StudyPaths
from study.spec import load_spec, spec_from_tree
from study.yaml import read_yaml


def added_values(paths: StudyPaths, sets: Sequence[str]) -> tuple[dict[str, Any], bool]:
    """The values that ``optimizer.lr=0.1`` texts give a point, and whether the space could have given them.

    They are checked as an entry of ``first:`` is.
    """
    tree = load_spec(paths.spec).tree()
    entry = {"set": dict(setting(text) for text in sets)}
    # the entry stands alone: budgets and comparisons of the study don't concern it
    for key in ("confirm", "roles", "mode", "first"):
        tree.pop(key, None)
    spec = spec_from_tree(tree | {"first": [entry], "points": max(1, tree["points"])}, "--set")
    values = dict(spec.first_values(0))
    return values, spec.params_of(values) is not None


def setting(text: str) -> tuple[str, Any]:
    """One ``path=value``; the path may begin with ``recipe.`` as elsewhere."""
    path, sign, value = text.partition("=")
    document = read_yaml(value)
    if not sign or not path.strip() or document.faults:
        raise UserError(f"--set: must be path=value; found {shown(text)}; accepted e.g. optimizer.lr=0.1")
    return path.strip().removeprefix("recipe."), document.tree
