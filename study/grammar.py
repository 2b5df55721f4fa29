"""The keys of a study file: for each its kind, its default and a line on what it is for.

Validation, the JSON Schema of editors and the starting file all follow this table. Rules over several keys are in
``study.rules``; ``recipe`` and ``space`` are judged by the recipe and by ``search_spaces``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search_spaces.distributions import finite
from search_spaces.faults import Fault, Path, listed, nearest, shown
from study.fields import Faults, Field, Flag, Forms, Group, JsonSchema, Many, Number, Text, Tree, Whole, Word
from study.paths import NAME
from study.sections import (
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

MAXIMIZED = (
    "val_accuracy",
    "val_f1",
    "test_accuracy",
    "test_f1",
    "test_top5",
    "train_accuracy",
    "images_per_second",
)
MINIMIZED = (
    "val_loss",
    "test_loss",
    "train_loss",
    "seconds",
    "total_seconds",
    "train_seconds",
    "eval_seconds",
    "first_epoch_seconds",
    "steady_epoch_seconds",
    "peak_memory_bytes",
    "parameters",
)
METRICS = (*MAXIMIZED, *MINIMIZED)
MEASURED = frozenset(name for name in METRICS if "second" in name) | {"peak_memory_bytes"}
"""Metrics of the machine, not of the recipe: they differ from run to run."""

METRIC_WORDS = {
    "accuracy": "val_accuracy",
    "acc": "val_accuracy",
    "val_acc": "val_accuracy",
    "loss": "val_loss",
    "valid_loss": "val_loss",
    "f1": "val_f1",
    "time": "total_seconds",
    "duration": "total_seconds",
    "mean_accuracy": "val_accuracy",
}
DIRECTION_WORDS = {"max": "maximize", "min": "minimize", "maximise": "maximize", "minimise": "minimize"}
MODE_WORDS = dict.fromkeys(("max", "maximize"), "objective: {direction: maximize}") | dict.fromkeys(
    ("min", "minimize"), "objective: {direction: minimize}"
)
TOP_WORDS = {
    "name": "study",
    "num_samples": "points",
    "n_trials": "points",
    "trials": "points",
    "max_trials": "points",
    "n_points": "points",
    "count": "points",
    "run_cap": "points",
    "method": "sampler: tpe",
    "search_alg": "sampler",
    "algorithm": "sampler",
    "seed": "sampler.seed",
    "scheduler": "pruner",
    "early_terminate": "pruner",
    "parameters": "space",
    "param_space": "space",
    "params": "space",
    "search_space": "space",
    "hyperparameters": "space",
    "config": "recipe",
    "fixed": "recipe",
    "metric": "objective.metric",
    "direction": "objective.direction",
    "directions": "objective",
    "goal": "objective.direction",
    "objectives": "objective",
    "n_jobs": "concurrency",
    "max_concurrent_trials": "concurrency",
    "max_concurrent": "concurrency",
    "workers": "concurrency",
    "resources_per_trial": "resources",
    "cpus": "resources.cpus",
    "gpus": "resources.gpus",
    "timeout": "stop.wall_hours",
    "time_budget_s": "stop.wall_hours",
    "wall_hours": "stop.wall_hours",
    "max_failures": "trial.retries",
    "retries": "trial.retries",
    "repeats": "replicates",
    "seeds": "replicates",
    "baseline": "first",
    "points_to_evaluate": "first",
    "enqueue": "first",
    "deterministic": "reproducible",
}
"""Words of Optuna, Ray Tune and W&B sweeps, and of our own sections, for ours."""

SAMPLER_WORDS = {
    "bayes": "tpe",
    "bayesian": "tpe",
    "bo": "tpe",
    "optuna": "tpe",
    "hyperopt": "tpe",
    "tpesampler": "tpe",
    "randomsampler": "random",
    "gridsampler": "grid",
    "grid-search": "grid",
    "cma-es": "cmaes",
    "cmaessampler": "cmaes",
    "gpsampler": "gp",
    "botorch": "gp",
    "nsgaiisampler": "nsga2",
    "nsga-ii": "nsga2",
    "qmcsampler": "qmc",
    "sobol": "qmc",
    "none": "first-only",
    "fixed": "first-only",
    "list": "first-only",
    "first": "first-only",
}
PRUNER_WORDS = {
    "successive-halving": "asha",
    "successivehalving": "asha",
    "successivehalvingpruner": "asha",
    "ashascheduler": "asha",
    "asynchyperband": "asha",
    "hyperbandpruner": "hyperband",
    "medianpruner": "median",
    "median-stopping-rule": "median",
    "percentilepruner": "percentile",
    "patientpruner": "patient",
    "noppruner": "none",
    "nop": "none",
    "off": "none",
}
PRUNER_OPTION_WORDS = {
    "grace_period": "min_epochs",
    "min_resource": "min_epochs",
    "min_iter": "min_epochs",
    "reduction_factor": "reduction",
    "eta": "reduction",
    "max_t": "max_epochs",
    "max_resource": "max_epochs",
    "n_startup_trials": "startup_trials",
    "n_warmup_steps": "warmup_epochs",
    "warmup_steps": "warmup_epochs",
    "interval_steps": "interval_epochs",
    "n_min_trials": "min_trials",
}

COUNT = Whole(low=1)
POSITIVE = Number(above=0)
STARTUP = Field(Whole(), doc="points drawn at random before the sampler learns")

SAMPLERS: dict[str, dict[str, Field]] = {
    "tpe": {
        "n_startup_trials": STARTUP,
        "n_ei_candidates": Field(COUNT, doc="candidates compared at each proposal"),
        "prior_weight": Field(POSITIVE, doc="weight of the prior beside what was observed"),
        "multivariate": Field(Flag(), doc="learn parameters jointly"),
        "group": Field(Flag(), doc="learn the branches of a conditional space apart"),
        "constant_liar": Field(Flag(), doc="keep away from what runs at the moment"),
    },
    "random": {},
    "grid": {},
    "cmaes": {
        "n_startup_trials": STARTUP,
        "sigma0": Field(POSITIVE, doc="first step width"),
        "popsize": Field(Whole(low=2), doc="points a generation"),
        "use_separable_cma": Field(Flag()),
        "with_margin": Field(Flag()),
        "lr_adapt": Field(Flag()),
    },
    "gp": {
        "n_startup_trials": STARTUP,
        "deterministic_objective": Field(Flag(), doc="the objective has no noise"),
    },
    "nsga2": {
        "population_size": Field(Whole(low=2), doc="points a generation"),
        "mutation_prob": Field(Number(low=0, high=1)),
        "crossover_prob": Field(Number(low=0, high=1)),
        "swapping_prob": Field(Number(low=0, high=1)),
    },
    "qmc": {"qmc_type": Field(Word(("sobol", "halton"))), "scramble": Field(Flag())},
    "first-only": {},
}
"""Options in Optuna's own words; what is left out is Optuna's default or decided from the study."""

MIN_EPOCHS = Field(COUNT, 1, "epochs before a trial may be stopped")
REDUCTION = Field(Whole(low=2, high=1000), 3, "one trial in so many goes on at each rung")
RANKED: dict[str, Field] = {
    "startup_trials": Field(Whole(), 5, "trials before any may be stopped"),
    "warmup_epochs": Field(Whole(), 0, "epochs in which a trial may not be stopped"),
    "interval_epochs": Field(COUNT, 1, "epochs between decisions"),
    "min_trials": Field(COUNT, 1, "trials that must have reached an epoch before one is stopped there"),
}
PRUNERS: dict[str, dict[str, Field]] = {
    "asha": {"min_epochs": MIN_EPOCHS, "reduction": REDUCTION},
    "hyperband": {
        "min_epochs": MIN_EPOCHS,
        "max_epochs": Field(COUNT, None, "the longest trial; left out, what has been seen"),
        "reduction": REDUCTION,
    },
    "median": RANKED,
    "percentile": {"percentile": Field(Number(low=0, high=100), 25.0, "the share that goes on"), **RANKED},
    "patient": {
        "patience": Field(Whole(), 5, "epochs without progress that are borne"),
        "min_delta": Field(Number(low=0), 0.0, "the least that counts as progress"),
    },
    "none": {},
}


def objective(metric: str, direction: str | None, at: str) -> Objective:
    """An objective, its direction by the metric's nature where none is written."""
    natural = "minimize" if metric in MINIMIZED else "maximize"
    return Objective(metric, direction or natural, at)  # type: ignore[arg-type]


OBJECTIVE = Group(
    {
        "metric": Field(Word(METRICS, METRIC_WORDS), "val_accuracy", "a column of the epoch table", required=True),
        "direction": Field(Word(("maximize", "minimize"), DIRECTION_WORDS), None, "by the metric's nature if left out"),
        "at": Field(Word(("last", "best")), "last", "the value at the last epoch, or the best one"),
    },
    objective,
    short="metric",
    foreign={"name": "metric", "goal": "direction", "mode": "direction"},
)


@dataclass(frozen=True)
class Entry:
    """``first[0]``: an entry of ``first:`` by its index."""

    def read(self, value: Any, path: Path, faults: Faults) -> int:
        match = re.fullmatch(r"first\[(\d{1,6})\]", value) if isinstance(value, str) else None
        if match is None:
            faults.append(Fault(path, "must name an entry of first", shown(value), "first[0] | first[1] | …"))
        return int(match.group(1)) if match else 0

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": r"^first\[[0-9]+\]$"}


PUBLISHED = {
    "epoch": Field(COUNT, doc="finished epochs, from 1"),
    "end": Field(Flag(), doc="true: at the end of the training"),
    "label": Field(Text(), doc="how the source counts"),
    "seconds": Field(Number(low=0), doc="cumulative"),
    "epoch_seconds": Field(Number(low=0)),
    "extrapolated": Field(Flag(), doc="true: not measured to its end"),
    "note": Field(Text()),
}


@dataclass(frozen=True)
class Published:
    """A published row: where in the training it stands, and its figures by metric."""

    def read(self, value: Any, path: Path, faults: Faults) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            faults.append(Fault(path, "must be a mapping", shown(value), listed([*PUBLISHED, "any metric"])))
            return {}
        for key, item in value.items():
            if key in PUBLISHED:
                PUBLISHED[key].kind.read(item, (*path, key), faults)
            else:
                faults.extend(self.metric(key, item, (*path, key)))
        if ("epoch" in value) == (value.get("end") is True):
            must = "must have either epoch or end: true"
            faults.append(Fault(path, must, "both" if "epoch" in value else "neither"))
        return dict(value)

    def metric(self, key: str, value: object, path: Path) -> Faults:
        like = nearest(key, PUBLISHED) if key not in METRICS else ""
        if like or not re.fullmatch(r"[a-z][a-z0-9_]*", key):
            accepted = listed([*PUBLISHED, "any metric"])
            return [Fault(path, "must be a known key or a metric", shown(key), accepted, like, on_key=True)]
        return [] if finite(value) else [Fault(path, "must be a finite number", shown(value))]

    def schema(self) -> JsonSchema:
        described = Group(PUBLISHED).schema()
        return described | {"additionalProperties": {"type": "number"}}


def recipe_schema() -> JsonSchema:
    return {"$ref": "#/$defs/recipe"}


def space_schema() -> JsonSchema:
    return {"$ref": "#/$defs/space"}


FIRST = Group(
    {
        "set": Field(Tree(recipe_schema), {}, "recipe values; what is left out has the recipe's value", required=True),
        "published": Field(Many(Published()), (), "published figures that stand beside the measured ones"),
    },
    First,
)
STUDY_NAME = Text(NAME.pattern.removesuffix(r"\Z"), "must be a name of a-z, 0-9, '.', '_' and '-', 64 at most")
RETRIES = Group(
    {
        "node": Field(Whole(high=1000), 10, "lost workers and nodes"),
        "error": Field(Whole(high=1000), 0, "exceptions"),
        "out_of_memory": Field(Whole(high=1000), 1, "each with twice the accumulation"),
    },
    Retries,
)

STUDY_FILE = Group(
    {
        "study": Field(STUDY_NAME, "", "the study's name and its folder's", required=True),
        "question": Field(Text(), "", "what the study is to answer; the report opens with it"),
        "objective": Field(Many(OBJECTIVE, 1, 2), (Objective("val_accuracy", "maximize"),), "what is optimized"),
        "points": Field(COUNT, None, "how many points may be proposed, those of first included"),
        "replicates": Field(Whole(low=1, high=1000), 1, "trials a point, with seeds 0 to replicates - 1"),
        "concurrency": Field(Whole(low=1, high=10_000), None, "trials at once; left out, what the resources allow"),
        "resources": Field(
            Group(
                {
                    "cpus": Field(Number(above=0, high=100_000), 1.0, "cores and torch threads of a trial"),
                    "gpus": Field(Number(low=0, high=1), 0.0, "a share of one GPU"),
                },
                Resources,
                foreign={
                    "cpu": "cpus",
                    "gpu": "gpus",
                    "CPU": "cpus",
                    "GPU": "gpus",
                    "num_cpus": "cpus",
                    "num_gpus": "gpus",
                },
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
                    "wall_hours": Field(POSITIVE, doc="then the study is interrupted, and resumable"),
                    "gpu_hours": Field(POSITIVE, doc="the same in hours of GPUs held"),
                    "failures": Field(COUNT, doc="so many failed trials halt the study"),
                    "target": Field(Number(), doc="a value of the objective that is good enough"),
                },
                Stop,
                foreign={"timeout": "wall_hours", "hours": "wall_hours", "time_budget_s": "wall_hours"},
            ),
            Stop(),
            "budgets of the whole study",
        ),
        "trial": Field(
            Group(
                {
                    "hours": Field(POSITIVE, doc="a trial that takes longer fails"),
                    "heartbeat_s": Field(POSITIVE, 300.0, "seconds without a sign of life after which a trial is hung"),
                    "retries": Field(RETRIES, Retries(), "tries again after a failure, by its kind"),
                },
                TrialLimits,
            ),
            TrialLimits(),
            "limits of one trial",
        ),
        "keep_checkpoints": Field(Word(("best", "last", "all", "none")), "best", "of ended trials"),
        "reproducible": Field(Flag(), None, "points and stops are a function of this file alone"),
        "recipe": Field(Tree(recipe_schema), {}, "fixed values, laid over the defaults"),
        "space": Field(Tree(space_schema), {}, "what is varied; mirrors the recipe"),
        "roles": Field(
            Group(
                {
                    "scientific": Field(Many(Text()), (), "choices and branch names that are compared"),
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
                    "against": Field(Entry(), None, "the baseline, such as first[0]"),
                },
                Confirm,
            ),
            None,
            "the winners and a baseline on fresh seeds after the search",
        ),
        "warm_start": Field(
            Many(Text(r"[\s\S]+", "must be a study's name or folder")), (), "earlier studies to learn from"
        ),
        "first": Field(Many(FIRST), (), "points that run first, exactly as written"),
        "overrides": Field(Tree(), {}, "recipe values by path that win over all else: what --set wrote"),
    },
    foreign=TOP_WORDS,
)
