"""The spec: a study file, validated whole and frozen; ``study.spec.load`` reads one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from search_spaces.space import Space, Variable
from search_spaces.validation import format_path
from search_spaces.values import Scalar, Value, is_same_value
from study.errors import SpecError
from study.files.yaml_writer import write_yaml
from study.spec.pruners import PrunerChoice
from study.spec.samplers import SamplerChoice
from study.spec.sections import (
    Confirm,
    First,
    Objective,
    Racing,
    Resources,
    Roles,
    StudyLimits,
    TrialLimits,
    column_of,
    without_empty,
)
from study.training.recipe import recipe as recipes
from study.training.recipe.defaults import Defaults, current_defaults, with_defaults
from study.training.recipe.metric_catalog import Direction
from study.training.recipe.recipe import Recipe
from study.training.recipe.recipe_paths import values_by_path


@dataclass(frozen=True)
class StudySpec:
    """What a study is: all that its file says, every default decided."""

    study: str
    question: str
    objectives: tuple[Objective, ...]
    points: int
    """How many points the study proposes."""
    replicates: int
    concurrency: int | None
    resources: Resources
    sampler: SamplerChoice
    pruner: PrunerChoice
    stop: StudyLimits
    trial: TrialLimits
    keep_checkpoints: Literal["best", "last", "all", "none"]
    reproducible: bool
    fixed: Mapping[str, Any]
    """The file's ``recipe:``."""
    space: Space
    roles: Roles
    mode: Literal["search", "method-study"]
    racing: Racing | None
    confirm: Confirm | None
    warm_start: tuple[str, ...]
    first: tuple[First, ...]
    overrides: Mapping[str, Value]
    """Recipe values by dotted path that win over all else."""
    defaults: Defaults
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
        """Return plain data that ``spec_from_tree`` reads back equal, without what is off."""
        objectives = [objective.tree() for objective in self.objectives]
        tree = {
            "study": self.study,
            "question": self.question,
            "objective": objectives[0] if len(objectives) == 1 else objectives,
            "points": self.points,
            "replicates": self.replicates,
            "concurrency": self.concurrency,
            "resources": self.resources.tree(),
            "sampler": self.sampler.tree(),
            "pruner": self.pruner.tree(),
            "stop": self.stop.tree(),
            "trial": self.trial.tree(),
            "keep_checkpoints": self.keep_checkpoints,
            "reproducible": self.reproducible,
            "recipe": dict(self.fixed),
            "space": self.space.tree(),
            "roles": self.roles.tree(),
            "mode": self.mode,
            "racing": self.racing and self.racing.tree(),
            "confirm": self.confirm and self.confirm.tree(),
            "warm_start": list(self.warm_start),
            "first": [first.tree() for first in self.first],
            "overrides": dict(self.overrides),
            "defaults": dict(self.defaults),
        }
        return without_empty(tree)

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


def _flat(value: Any, path: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], Any]]:
    """The scalars and short lists of a tree, each with its path."""
    if isinstance(value, Mapping) and value:
        return [leaf for key, inner in value.items() for leaf in _flat(inner, (*path, key))]
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return [leaf for index, inner in enumerate(value) for leaf in _flat(inner, (*path, index))]
    return [(path, value)]
