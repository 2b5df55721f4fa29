"""The keys of a study file: for each its kind, its default and a line on what it is for.

Validation, the JSON Schema of editors and the starting file all follow this table. Rules over
several keys are in ``study.spec.cross_checks``; ``recipe`` and ``space`` are judged by the recipe
and by ``search_spaces``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search_spaces.validation import Fault, KeyPath, alternatives, closest_match, describe
from search_spaces.values import is_finite_number
from study.files.layout import STUDY_NAME
from study.spec.field_types import (
    Faults,
    Field,
    Flag,
    Forms,
    Group,
    JsonSchema,
    Many,
    Number,
    Text,
    Tree,
    Whole,
    Word,
)
from study.spec.options import COUNT, POSITIVE, PRUNERS, SAMPLERS
from study.spec.sections import (
    Confirm,
    First,
    Objective,
    PrunerChoice,
    Racing,
    Resources,
    Retries,
    Roles,
    SamplerChoice,
    Stop,
    TrialLimits,
)
from study.spec.synonyms import (
    DIRECTION_WORDS,
    METRIC_WORDS,
    MODE_WORDS,
    OBJECTIVE_WORDS,
    PRUNER_OPTION_WORDS,
    PRUNER_WORDS,
    RESOURCE_WORDS,
    SAMPLER_WORDS,
    STOP_WORDS,
    TOP_WORDS,
)
from study.training.recipe.metric_catalog import OBJECTIVE_METRICS, direction_of


def _objective(metric: str, direction: str | None, at: str) -> Objective:
    """An objective, its direction by the metric's nature where none is written."""
    return Objective(metric=metric, direction=direction or direction_of(metric), at=at)  # type: ignore[arg-type]


_OBJECTIVE = Group(
    {
        "metric": Field(
            Word(OBJECTIVE_METRICS, METRIC_WORDS),
            "val_accuracy",
            "a column of the epoch table",
            required=True,
        ),
        "direction": Field(
            Word(("maximize", "minimize"), DIRECTION_WORDS),
            None,
            "by the metric's nature if left out",
        ),
        "at": Field(Word(("last", "best")), "last", "the value at the last epoch, or the best one"),
    },
    _objective,
    short="metric",
    foreign=OBJECTIVE_WORDS,
)


@dataclass(frozen=True)
class _Entry:
    """``first[0]``: an entry of ``first:`` by its index."""

    def read(self, value: Any, path: KeyPath, faults: Faults) -> int:
        match = re.fullmatch(r"first\[(\d{1,6})\]", value) if isinstance(value, str) else None
        if match is None:
            faults.append(
                Fault(
                    path, "must name an entry of first", describe(value), "first[0] | first[1] | …"
                )
            )
        return int(match.group(1)) if match else 0

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": r"^first\[[0-9]+\]$"}


_PUBLISHED = {
    "epoch": Field(COUNT, doc="finished epochs, from 1"),
    "end": Field(Flag(), doc="true: at the end of the training"),
    "label": Field(Text(), doc="how the source counts"),
    "seconds": Field(Number(low=0), doc="cumulative"),
    "epoch_seconds": Field(Number(low=0)),
    "extrapolated": Field(Flag(), doc="true: not measured to its end"),
    "note": Field(Text()),
}


@dataclass(frozen=True)
class _Published:
    """A published row: where in the training it stands, and its figures by metric."""

    def read(self, value: Any, path: KeyPath, faults: Faults) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            faults.append(
                Fault(
                    path,
                    "must be a mapping",
                    describe(value),
                    alternatives([*_PUBLISHED, "any metric"]),
                )
            )
            return {}
        for key, item in value.items():
            if key in _PUBLISHED:
                _PUBLISHED[key].kind.read(item, (*path, key), faults)
            else:
                faults.extend(self.metric(key, item, (*path, key)))
        if ("epoch" in value) == (value.get("end") is True):
            must = "must have either epoch or end: true"
            faults.append(Fault(path, must, "both" if "epoch" in value else "neither"))
        return dict(value)

    def metric(self, key: str, value: object, path: KeyPath) -> Faults:
        like = closest_match(key, _PUBLISHED) if key not in OBJECTIVE_METRICS else ""
        if like or not re.fullmatch(r"[a-z][a-z0-9_]*", key):
            accepted = alternatives([*_PUBLISHED, "any metric"])
            return [
                Fault(
                    path,
                    "must be a known key or a metric",
                    describe(key),
                    accepted,
                    like,
                    on_key=True,
                )
            ]
        return (
            []
            if is_finite_number(value)
            else [Fault(path, "must be a finite number", describe(value))]
        )

    def schema(self) -> JsonSchema:
        described = Group(_PUBLISHED).schema()
        return described | {"additionalProperties": {"type": "number"}}


@dataclass(frozen=True)
class _Tables:
    """Mappings by name, as ``StudySpec.settled`` writes them."""

    def read(self, value: Any, path: KeyPath, faults: Faults) -> dict[str, dict[str, Any]]:
        whole = Tree().read(value, path, faults)
        return {
            str(key): Tree().read(table, (*path, str(key)), faults) for key, table in whole.items()
        }

    def schema(self) -> JsonSchema:
        return {"type": "object", "additionalProperties": {"type": "object"}}


def _recipe_schema() -> JsonSchema:
    return {"$ref": "#/$defs/recipe"}


def _space_schema() -> JsonSchema:
    return {"$ref": "#/$defs/space"}


_FIRST = Group(
    {
        "set": Field(
            Tree(_recipe_schema),
            {},
            "recipe values; what is left out has the recipe's value",
            required=True,
        ),
        "published": Field(
            Many(_Published()), (), "published figures that stand beside the measured ones"
        ),
    },
    First,
)
_STUDY_NAME = Text(
    STUDY_NAME.pattern.removesuffix(r"\Z"),
    "must be a name of a-z, 0-9, '.', '_' and '-', 64 at most",
)
_RETRIES = Group(
    {
        "node": Field(Whole(high=1000), 10, "lost workers and nodes"),
        "error": Field(Whole(high=1000), 0, "exceptions"),
        "out_of_memory": Field(Whole(high=1000), 1, "each with twice the accumulation"),
    },
    Retries,
)


@dataclass(frozen=True)
class _Amounts:
    """A mapping of names to positive numbers."""

    amount: Number = Number(above=0, high=100_000)  # noqa: RUF009, frozen as well

    def read(self, value: Any, path: KeyPath, faults: Faults) -> dict[str, float]:
        if not isinstance(value, Mapping):
            faults.append(Fault(path, "must be a mapping of resources to amounts", describe(value)))
            return {}
        for name in value:
            if not isinstance(name, str) or not name or name in ("CPU", "GPU", "memory"):
                faults.append(
                    Fault(
                        path,
                        "must name a cluster's own resources; CPUs and GPUs have their own keys",
                        describe(name),
                    )
                )
        return {
            str(name): self.amount.read(each, (*path, str(name)), faults)
            for name, each in value.items()
        }

    def schema(self) -> JsonSchema:
        return {"type": "object", "additionalProperties": self.amount.schema()}


STUDY_FILE = Group(
    {
        "study": Field(_STUDY_NAME, "", "the study's name and its folder's", required=True),
        "question": Field(Text(), "", "what the study is to answer; the report opens with it"),
        "objective": Field(
            Many(_OBJECTIVE, 1, 2),
            (Objective(metric="val_accuracy", direction="maximize"),),
            "what is optimized",
        ),
        "points": Field(COUNT, None, "how many points may be proposed, those of first included"),
        "replicates": Field(
            Whole(low=1, high=1000), 1, "trials a point, with seeds 0 to replicates - 1"
        ),
        "concurrency": Field(
            Whole(low=1, high=10_000), None, "trials at once; left out, what the resources allow"
        ),
        "resources": Field(
            Group(
                {
                    "cpus": Field(
                        Number(above=0, high=100_000), 1.0, "cores and torch threads of a trial"
                    ),
                    "gpus": Field(Number(low=0, high=1), 0.0, "a share of one GPU"),
                    "custom": Field(
                        _Amounts(), {}, "amounts of a cluster's own resources, by name"
                    ),
                },
                Resources,
                foreign=RESOURCE_WORDS,
            ),
            Resources(),
            "what one trial occupies",
        ),
        "sampler": Field(
            Forms(
                "sampler",
                SAMPLERS,
                {"seed": Field(Whole(high=2**63 - 1), 0, "of the sampler's own randomness")},
                SamplerChoice,
                SAMPLER_WORDS,
                factory=True,
                default="tpe",
            ),
            SamplerChoice(),
            "proposes the points",
        ),
        "pruner": Field(
            Forms("pruner", PRUNERS, {}, PrunerChoice, PRUNER_WORDS, PRUNER_OPTION_WORDS),
            PrunerChoice(),
            "stops trials that promise little",
        ),
        "stop": Field(
            Group(
                {
                    "wall_hours": Field(
                        POSITIVE, doc="then the study is interrupted, and resumable"
                    ),
                    "gpu_hours": Field(POSITIVE, doc="the same in hours of GPUs held"),
                    "failures": Field(COUNT, doc="so many failed trials halt the study"),
                    "target": Field(Number(), doc="a value of the objective that is good enough"),
                },
                Stop,
                foreign=STOP_WORDS,
            ),
            Stop(),
            "budgets of the whole study",
        ),
        "trial": Field(
            Group(
                {
                    "hours": Field(POSITIVE, doc="a trial that takes longer fails"),
                    "heartbeat_s": Field(
                        POSITIVE,
                        300.0,
                        "seconds without a sign of life after which a trial is hung",
                    ),
                    "retries": Field(
                        _RETRIES, Retries(), "tries again after a failure, by its kind"
                    ),
                },
                TrialLimits,
            ),
            TrialLimits(),
            "limits of one trial",
        ),
        "keep_checkpoints": Field(Word(("best", "last", "all", "none")), "best", "of ended trials"),
        "reproducible": Field(Flag(), None, "points and stops are a function of this file alone"),
        "recipe": Field(Tree(_recipe_schema), {}, "fixed values, laid over the defaults"),
        "space": Field(Tree(_space_schema), {}, "what is varied; mirrors the recipe"),
        "roles": Field(
            Group(
                {
                    "scientific": Field(
                        Many(Text()), (), "choices and branch names that are compared"
                    ),
                    "nuisance": Field(Many(Text()), (), "paths that are tuned for each of them"),
                },
                Roles,
            ),
            Roles(),
            "what is compared and what is tuned away",
        ),
        "mode": Field(
            Word(("search", "method-study"), MODE_WORDS),
            "search",
            "method-study: every level of the scientific paths has an equal budget",
        ),
        "racing": Field(
            Group({"threshold": Field(Number(low=0), 0.05, "in units of the objective")}, Racing),
            None,
            "no further replicates of a point that is clearly losing",
        ),
        "confirm": Field(
            Group(
                {
                    "top": Field(Whole(low=1, high=1000), 3, "how many of the best points"),
                    "replicates": Field(Whole(low=1, high=1000), 5, "fresh seeds for each"),
                    "against": Field(_Entry(), None, "the baseline, such as first[0]"),
                },
                Confirm,
            ),
            None,
            "the winners and a baseline on fresh seeds after the search",
        ),
        "warm_start": Field(
            Many(Text(r"[\s\S]+", "must be a study's name or folder")),
            (),
            "earlier studies to learn from",
        ),
        "first": Field(Many(_FIRST), (), "points that run first, exactly as written"),
        "overrides": Field(
            Tree(), {}, "recipe values by path that win over all else: what --set wrote"
        ),
        "defaults": Field(
            _Tables(), {}, "the recipe's defaults when the study was created, written down by it"
        ),
    },
    foreign=TOP_WORDS,
)
