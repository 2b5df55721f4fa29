"""The spec: a study file, validated whole and frozen. ``study.spec.load`` reads one."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from search_spaces.rules import Rule, parse_rule
from search_spaces.space import Space, Variable
from search_spaces.validation import KeyPath
from search_spaces.values import Scalar, Value, is_same_value
from study.errors import SpecError
from study.files.plain_data import tree_differences, without_empty
from study.files.yaml_writer import write_yaml
from study.spec.kinds.built_in import RecipeKind, RecipeTraining
from study.spec.kinds.kind import Defaults, Training, TrainingKind, Tree
from study.spec.kinds.own import OwnKind
from study.spec.kinds.rule_values import RuleValues
from study.spec.parts.notices import Notice
from study.spec.parts.prices import Prices
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
)
from study.training.recipe.metric_catalog import TIME_METRICS, Direction
from study.training.recipe.recipe import Recipe

_REMEMBERED_TRAININGS = 256


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
    require: tuple[str, ...] = ()
    """Rules between the values of a point, as texts."""
    train: str | None = None
    """The function of an own training, as ``package.module:function``; None for the built-in."""
    max_epochs: int | None = None
    """How many epochs an own training has at most, where its config doesn't say."""
    epoch_cost: str | None = None
    """The function that says what an epoch of an own training costs."""
    notify: tuple[Notice, ...] = ()
    """Who is told of its end, of faults and of new best points."""
    prices: Prices | None = None
    """What hours of processors cost, as far as the file says it."""
    share: float = 1.0
    """Its weight on a cluster that other studies use too; 0 for what nobody else wants."""
    is_pruner_open: bool = field(default=False, compare=False)
    """Whether its file leaves the pruner open: what a study of it that is there has is its own."""
    unlisted: tuple[KeyPath, ...] = field(default=(), compare=False)
    """Where the file, or an option, sets a value of an own training's config that stands neither in
    ``recipe:`` nor in ``space:``.
    """
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What was resolved otherwise than written, for the user to know."""

    # -- trainings ---------------------------------------------------------------------

    @cached_property
    def kind(self) -> TrainingKind:
        """What the study's trials train."""
        if self.train is None:
            return RecipeKind(self.defaults)
        return OwnKind.of_space(self.space, self.max_epochs)

    def recipe_tree(
        self, values: Mapping[str, Any], substitutions: Mapping[str, Any] | None = None
    ) -> Tree:
        """Return what a trial is trained with as a tree.

        A point's values win over the fixed recipe, the overrides over those, and a retry's
        substitutions over all. A reproducible study on GPUs trains deterministically.
        """
        merge = self.kind.merge
        tree = merge(merge(self.fixed, values), self.overrides)
        if self.overrides:
            # a name among them has dropped its section's other keys: what the space varies stays
            varied = set(self.space.paths())
            kept = {path: value for path, value in values.items() if path in varied}
            tree = merge(tree, kept)
        if substitutions:
            tree = merge(tree, substitutions)
        if not self.defaults:  # which hold them for a study that has begun
            tree = merge(self._repeating_values(), tree)
        return self.kind.complete(tree)

    def training(
        self, values: Mapping[str, Any], substitutions: Mapping[str, Any] | None = None
    ) -> Training:
        """Return the training of a point; raise SpecError where the values make none together.

        The last few hundred are remembered, so that who asks several times about a point has its
        training put together once.
        """
        key = json.dumps([dict(values), dict(substitutions or {})])
        training = self._trainings.get(key)
        if training is None:
            training = self._trainings[key] = self._put_together(values, substitutions)
            while len(self._trainings) > _REMEMBERED_TRAININGS:
                self._trainings.popitem(last=False)
        return training

    @cached_property
    def _trainings(self) -> OrderedDict[str, Training]:
        """The trainings that were asked for last."""
        return OrderedDict()

    def _put_together(
        self, values: Mapping[str, Any], substitutions: Mapping[str, Any] | None
    ) -> Training:
        training, faults = self.kind.put_together(self.recipe_tree(values, substitutions))
        if training is None:
            raise SpecError([str(fault) for fault in faults])
        return training

    def recipe(
        self, values: Mapping[str, Any], seed: int, substitutions: Mapping[str, Any] | None = None
    ) -> Recipe:
        """Return the recipe of one trial of a study that trains recipes.

        Raises SpecError where the values make none together.
        """
        training = self.training(values, substitutions)
        if not isinstance(training, RecipeTraining):
            raise TypeError("the study trains no recipes")
        return training.recipe.model_copy(update={"seed": seed})

    def _all_values(self, values: Mapping[str, Any]) -> dict[str, Value]:
        """Return every value by its path that a point with these values has.

        Lists stay as they are written: a space has them like that.
        """
        lists = {path: value for path, value in values.items() if isinstance(value, list)}
        return self.training(values).values() | lists

    def first_values(self, index: int) -> dict[str, Value]:
        """Return the values of an entry of ``first:``.

        They are what it sets, and what its recipe has where the space varies.
        """
        written = self.kind.values_by_path(self.first[index].set)
        full = self._all_values(written)
        open_paths = [path for path in self.space.paths() if path not in written and path in full]
        return written | {path: full[path] for path in open_paths}

    def first_params(self, index: int) -> dict[str, Scalar] | None:
        """Return Optuna's params of an entry of ``first:``, None if it lies outside the space."""
        return self.params_of(self.first_values(index))

    def params_of(self, values: Mapping[str, Any]) -> dict[str, Scalar] | None:
        """Return Optuna's params of values whose training the space could have given, else None."""
        params = self.space.params_of(self._all_values(values))
        if params is None:
            return None
        sampled = self.training(self.space.values_of(params))
        return params if sampled == self.training(values) else None

    def levels(self) -> list[dict[str, Value]]:
        """Return the levels of a method study; one without conditions in a search."""
        return self.space.levels(self.roles.scientific) if self.mode == "method-study" else [{}]

    def level_of(self, values: Mapping[str, Any]) -> int | None:
        """Return the number of the level that a point with these values is in, None if in none."""
        full = self._all_values(values)
        for number, level in enumerate(self.levels()):
            if all(path in full and is_same_value(full[path], level[path]) for path in level):
                return number
        return None

    # -- rules between values ----------------------------------------------------------

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that ``require:`` writes."""
        return tuple(parse_rule(text) for text in self.require)

    @cached_property
    def _rule_values(self) -> RuleValues:
        return RuleValues(self.space, self.training)

    def allows(self, values: Mapping[str, Any]) -> bool:
        """Return whether all rules hold for a point of the space."""
        if not self.rules:
            return True
        full = self._rule_values.of(values)
        return full is None or all(rule.holds(full) for rule in self.rules)

    def broken_rules(
        self, values: Mapping[str, Any], substitutions: Mapping[str, Any] | None = None
    ) -> list[Rule]:
        """Return the rules that a point breaks, whether it lies in the space or not.

        ``substitutions`` are what a retry changes of it.

        Raises SpecError where its values make no training together.
        """
        if not self.rules:
            return []
        full = self.training(values, substitutions).rule_values()
        return [rule for rule in self.rules if not rule.holds(full)]

    @property
    def best_by(self) -> tuple[str, Direction] | None:
        """By which column of the epoch rows, and in which direction, an epoch is the best one.

        None where the last epoch counts.
        """
        first = self.objectives[0]
        return (column_of(first.metric), first.direction) if first.at == "best" else None

    def reported_objectives(self) -> tuple[str, ...]:
        """Return the objectives that an own training's function must report: times are measured."""
        names = (objective.metric for objective in self.objectives)
        return tuple(name for name in names if name not in TIME_METRICS)

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
            "share": int(self.share) if self.share.is_integer() else self.share,
            "prices": self.prices and self.prices.tree(),
            "notify": [notice.tree() for notice in self.notify],
            "trial": self.trial.tree(),
            "keep_checkpoints": self.keep_checkpoints,
            "reproducible": self.reproducible,
            "train": self.train,
            "max_epochs": self.max_epochs,
            "epoch_cost": self.epoch_cost,
            "recipe": dict(self.fixed),
            "space": self.space.tree(),
            "roles": self.roles.tree(),
            "mode": self.mode,
            "racing": self.racing and self.racing.tree(),
            "confirm": self.confirm and self.confirm.tree(),
            "warm_start": list(self.warm_start),
            "require": list(self.require),
            "first": [first.tree() for first in self.first],
            "overrides": dict(self.overrides),
            "defaults": dict(self.defaults),
        }
        return without_empty(tree)

    def yaml(self) -> str:
        """Return the text of a study file that reads back equal."""
        return write_yaml(self.tree())

    def hash(self) -> str:
        """Return the SHA-256 of the tree's canonical JSON, as hexadecimal text."""
        text = json.dumps(self.tree(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def with_recorded_defaults(self) -> StudySpec:
        """Return the spec with the recipe's defaults written down; those that are stay."""
        current = dict(self.kind.defaults_for(self._written_values()))
        for path, value in self._repeating_values().items():
            section, _, key = path.rpartition(".")
            current[section] = {**current.get(section, {}), key: value}
        return replace(self, defaults={**current, **self.defaults})

    def _repeating_values(self) -> Mapping[str, Value]:
        """Return the values by which trainings repeat themselves, where they are to on GPUs."""
        has_gpus = self.reproducible and self.resources.gpus
        return self.kind.repeating_values if has_gpus else {}

    def _written_values(self) -> Iterator[tuple[str, Any]]:
        """Give each value, by its recipe path, that stands anywhere in the study file."""
        for tree in (self.fixed, self.overrides, *(first.set for first in self.first)):
            yield from self.kind.values_by_path(tree).items()
        for item in self.space.items:
            if isinstance(item, Variable):
                yield from ((item.path, value) for value, _ in item.distribution.probes())
            else:
                yield item.path, item.value

    def differences(self, other: StudySpec) -> list[str]:
        """Return one line for each path at which the two differ: ``points: 40 -> 60``."""
        return tree_differences(self._written_tree, other._written_tree)

    @cached_property
    def _written_tree(self) -> dict[str, Any]:
        return replace(self, defaults={}).tree()
