"""The samplers and pruners by name, each with its options.

A sampler's options are Optuna's own words; what is left out is Optuna's default or decided from the
study. A pruner's options are ours, in epochs, and complete.
"""

from __future__ import annotations

from study.spec.field_types import Field, Flag, Number, Whole, Word

COUNT = Whole(low=1)
POSITIVE = Number(above=0)
_STARTUP = Field(Whole(), doc="points drawn at random before the sampler learns")

SAMPLERS: dict[str, dict[str, Field]] = {
    "tpe": {
        "n_startup_trials": _STARTUP,
        "n_ei_candidates": Field(COUNT, doc="candidates compared at each proposal"),
        "prior_weight": Field(POSITIVE, doc="weight of the prior beside what was observed"),
        "multivariate": Field(Flag(), doc="learn parameters jointly"),
        "group": Field(Flag(), doc="learn the branches of a conditional space apart"),
        "constant_liar": Field(Flag(), doc="keep away from what runs at the moment"),
    },
    "random": {},
    "grid": {},
    "cmaes": {
        "n_startup_trials": _STARTUP,
        "sigma0": Field(POSITIVE, doc="first step width"),
        "popsize": Field(Whole(low=2), doc="points a generation"),
        "use_separable_cma": Field(Flag()),
        "with_margin": Field(Flag()),
        "lr_adapt": Field(Flag()),
    },
    "gp": {
        "n_startup_trials": _STARTUP,
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

_MIN_EPOCHS = Field(COUNT, 1, "epochs before a trial may be stopped")
_REDUCTION = Field(Whole(low=2, high=1000), 3, "one trial in so many goes on at each rung")
_RANKED: dict[str, Field] = {
    "startup_trials": Field(Whole(), 5, "trials before any may be stopped"),
    "warmup_epochs": Field(Whole(), 0, "epochs in which a trial may not be stopped"),
    "interval_epochs": Field(COUNT, 1, "epochs between decisions"),
    "min_trials": Field(
        COUNT, 1, "trials that must have reached an epoch before one is stopped there"
    ),
}
PRUNERS: dict[str, dict[str, Field]] = {
    "asha": {"min_epochs": _MIN_EPOCHS, "reduction": _REDUCTION},
    "hyperband": {
        "min_epochs": _MIN_EPOCHS,
        "max_epochs": Field(COUNT, None, "the longest trial; left out, what has been seen"),
        "reduction": _REDUCTION,
    },
    "median": _RANKED,
    "percentile": {
        "percentile": Field(Number(low=0, high=100), 25.0, "the share that goes on"),
        **_RANKED,
    },
    "patient": {
        "patience": Field(Whole(), 5, "epochs without progress that are borne"),
        "min_delta": Field(Number(low=0), 0.0, "the least that counts as progress"),
    },
    "none": {},
}
