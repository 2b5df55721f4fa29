"""The spec: a study file, validated whole and frozen; ``study.spec.load`` reads one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from search_spaces.space import Space, Variable
from search_spaces.validation import format_path
from search_spaces.values import Scalar, Value, is_same_value
from study.errors import SpecError
from study.files.yaml_writer import write_yaml
from study.spec.recipe_paths import values_by_path
from study.spec.sections import (
    Confirm,
    First,
    Objective,
    PrunerChoice,
    Racing,
    Resources,
    Roles,
    SamplerChoice,
    Stop,
    TrialLimits,
    column_of,
)
from study.training.recipe import recipe as recipes
from study.training.recipe.defaults import Defaults, current_defaults, with_defaults
from study.training.recipe.metric_catalog import Direction
from study.training.recipe.recipe import Recipe


@dataclass(frozen=True)
class StudySpec:
    """What a study is: all of its file, defaults filled in; ``fixed`` is its ``recipe:``,
    ``points`` is resolved.
    """

    study: str
    space: Space
    points: int
    question: str = ""
    objectives: tuple[Objective, ...] = (Objective(metric="val_accuracy", direction="maximize"),)
    replicates: int = 1
    concurrency: int | None = None
    resources: Resources = field(default_factory=Resources)
    sampler: SamplerChoice = field(default_factory=SamplerChoice)
    pruner: PrunerChoice = field(default_factory=PrunerChoice)
    stop: Stop = field(default_factory=Stop)
    trial: TrialLimits = field(default_factory=TrialLimits)
    keep_checkpoints: Literal["best", "last", "all", "none"] = "best"
    reproducible: bool = True
    fixed: Mapping[str, Any] = field(default_factory=dict)
    roles: Roles = field(default_factory=Roles)
    mode: Literal["search", "method-study"] = "search"
    racing: Racing | None = None
    confirm: Confirm | None = None
    warm_start: tuple[str, ...] = ()
    first: tuple[First, ...] = ()
    overrides: Mapping[str, Value] = field(default_factory=dict)
    defaults: Defaults = field(default_factory=dict)
    """The recipe's defaults when the study was created; where there are none, those of now hold."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What was resolved otherwise than written, for the user to know."""

    # -- recipes -----------------------------------------------------------------------

    def recipe_tree(
        self, values: Mapping[str, Any], substitutions: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The fixed recipe with a point's values laid on it, then the overrides, then a retry's
        substitutions.
        """
        tree = recipes.merge(recipes.merge(self.fixed, values), self.overrides)
        if (
            self.overrides
        ):  # a name among them has dropped its section's other keys: what the space varies stays
            varied = set(self.space.paths())
            tree = recipes.merge(
                tree, {path: value for path, value in values.items() if path in varied}
            )
        return with_defaults(
            recipes.merge(tree, substitutions) if substitutions else tree, self.defaults
        )

    def recipe(
        self, values: Mapping[str, Any], seed: int, substitutions: Mapping[str, Any] | None = None
    ) -> Recipe:
        """The recipe of one trial; SpecError where the values make none together."""
        recipe, faults = recipes.parse_recipe(
            self.recipe_tree(values, substitutions) | {"seed": seed}
        )
        if recipe is None:
            raise SpecError([str(fault) for fault in faults])
        return recipe

    def with_recorded_defaults(self) -> StudySpec:
        """The spec with the defaults that its recipes take written down; those that are written
        down stay.
        """
        return replace(self, defaults={**current_defaults(self._written()), **self.defaults})

    def _written(self) -> Iterator[tuple[str, Any]]:
        """Each value by its recipe path that stands anywhere in the study file."""
        for tree in (self.fixed, self.overrides, *(first.set for first in self.first)):
            yield from values_by_path(tree).items()
        for item in self.space.items:
            values = item.distribution.probes() if isinstance(item, Variable) else [(item.value, 0)]
            yield from ((item.path, value) for value, _ in values)

    def first_values(self, index: int) -> dict[str, Value]:
        """The values of an entry of ``first:``: what it sets, and what its recipe has where the
        space varies.
        """
        written = values_by_path(self.first[index].set)
        full = values_by_path(self.recipe(written, 0).model_dump(mode="json"))
        return written | {
            path: full[path] for path in self.space.paths() if path in full and path not in written
        }

    def first_params(self, index: int) -> dict[str, Scalar] | None:
        """Optuna's params of an entry of ``first:``; None where it doesn't lie in the space."""
        return self.params_of(self.first_values(index))

    def params_of(self, values: Mapping[str, Any]) -> dict[str, Scalar] | None:
        """Optuna's params of values whose recipe the space could have given; None where it could
        not.
        """
        recipe = self.recipe(values, 0)
        params = self.space.params_of(values_by_path(recipe.model_dump(mode="json")))
        return (
            params
            if params is not None and self.recipe(self.space.values_of(params), 0) == recipe
            else None
        )

    def levels(self) -> list[dict[str, Value]]:
        """The levels of a method study; one without conditions in a search."""
        return self.space.levels(self.roles.scientific) if self.mode == "method-study" else [{}]

    def level_of(self, values: Mapping[str, Any]) -> int | None:
        """The level that a point with these values belongs to, None where to none."""
        full = values_by_path(self.recipe(values, 0).model_dump(mode="json"))
        for number, level in enumerate(self.levels()):
            if all(
                path in full and is_same_value(full[path], value) for path, value in level.items()
            ):
                return number
        return None

    @property
    def best_by(self) -> tuple[str, Direction] | None:
        """With ``at: best``, by which column of the epoch rows and in which direction an epoch is
        the best one.
        """
        first = self.objectives[0]
        return (column_of(first.metric), first.direction) if first.at == "best" else None

    # -- as a file ---------------------------------------------------------------------

    def tree(self) -> dict[str, Any]:
        """Plain data that ``spec_from_tree`` reads back equal; what is off or empty is left out."""
        tree: dict[str, Any] = {"study": self.study}
        tree |= {"question": self.question} if self.question else {}
        objectives = [asdict(objective) for objective in self.objectives]
        tree["objective"] = objectives[0] if len(objectives) == 1 else objectives
        tree |= {"points": self.points, "replicates": self.replicates}
        tree |= {"concurrency": self.concurrency} if self.concurrency else {}
        tree["resources"] = {
            key: value for key, value in asdict(self.resources).items() if value != {}
        }
        tree["sampler"] = {
            "name": self.sampler.name,
            "seed": self.sampler.seed,
            **self.sampler.options,
        }
        tree["pruner"] = {"name": self.pruner.name, **self.pruner.options}
        tree |= {"stop": _given(asdict(self.stop))} if _given(asdict(self.stop)) else {}
        tree["trial"] = _given(asdict(self.trial))
        tree |= {"keep_checkpoints": self.keep_checkpoints, "reproducible": self.reproducible}
        tree |= {"recipe": dict(self.fixed)} if self.fixed else {}
        tree |= {"space": self.space.tree()} if self.space.items else {}
        roles = {role: list(paths) for role, paths in asdict(self.roles).items() if paths}
        tree |= {"roles": roles} if roles else {}
        tree["mode"] = self.mode
        tree |= {"racing": asdict(self.racing)} if self.racing else {}
        tree |= {"confirm": self._confirm_tree(self.confirm)} if self.confirm else {}
        tree |= {"warm_start": list(self.warm_start)} if self.warm_start else {}
        tree |= {"first": [_first_tree(first) for first in self.first]} if self.first else {}
        tree |= {"overrides": dict(self.overrides)} if self.overrides else {}
        return tree | ({"defaults": dict(self.defaults)} if self.defaults else {})

    @staticmethod
    def _confirm_tree(confirm: Confirm) -> dict[str, Any]:
        tree = {"top": confirm.top, "replicates": confirm.replicates}
        return tree if confirm.against is None else tree | {"against": f"first[{confirm.against}]"}

    def yaml(self) -> str:
        return write_yaml(self.tree())

    def hash(self) -> str:
        """SHA-256 of the canonical JSON of the tree, as hexadecimal text."""
        text = json.dumps(self.tree(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def differences(self, other: StudySpec) -> list[str]:
        """One line for each path at which the two differ as they were written: ``points: 40 ->
        60``.
        """
        mine, theirs = self._flat, other._flat
        paths = [*mine, *(path for path in theirs if path not in mine)]
        return [
            f"{path}: {mine.get(path, 'nothing')} -> {theirs.get(path, 'nothing')}"
            for path in paths
            if mine.get(path) != theirs.get(path)
        ]

    @cached_property
    def _flat(self) -> dict[str, str]:
        written = replace(self, defaults={}).tree()
        return {
            format_path(path): json.dumps(value, ensure_ascii=False)
            for path, value in _flat(written, ())
        }


def _given(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tree.items() if value is not None}


def _first_tree(first: First) -> dict[str, Any]:
    rows = [dict(row) for row in first.published]
    return {"set": dict(first.set), **({"published": rows} if rows else {})}


def _flat(value: Any, path: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], Any]]:
    """The scalars and short lists of a tree, each with its path."""
    if isinstance(value, Mapping) and value:
        return [leaf for key, inner in value.items() for leaf in _flat(inner, (*path, key))]
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return [leaf for index, inner in enumerate(value) for leaf in _flat(inner, (*path, index))]
    return [(path, value)]
