"""The samplers that a study file may name, each with its options in Optuna's own words.

What is left out of them is Optuna's default or decided from the study.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from study.spec.parts.file_section import FileSection, NamedForms
from study.validation.numbers import (
    AboveZero,
    AtLeastOne,
    AtLeastTwo,
    Fraction,
    Natural,
    SamplerSeed,
)
from study.validation.section import FACTORY_FORM, FACTORY_PATTERN, form_of

START_SIZES = {"tpe": 10, "gp": 10, "cmaes": 1}
"""How many points these samplers have before they learn, as Optuna has it: unless the study file
says otherwise.
"""


class SamplerChoice(FileSection):
    """A sampler by its name; it proposes the points."""

    name: str
    seed: SamplerSeed = 0
    """of the sampler's own randomness"""

    @property
    def options(self) -> dict[str, Any]:
        """What the study file says beside name and seed, in Optuna's own words."""
        return {key: value for key, value in self.tree().items() if key not in ("name", "seed")}


class Tpe(SamplerChoice):
    """Tree-structured Parzen estimators."""

    name: Literal["tpe"] = "tpe"
    n_startup_trials: Natural | None = None
    """points spread over the space before the sampler learns"""
    n_ei_candidates: AtLeastOne | None = None
    """candidates compared at each proposal"""
    prior_weight: AboveZero | None = None
    """weight of the prior beside what was observed"""
    multivariate: bool | None = None
    """learn parameters jointly"""
    group: bool | None = None
    """learn the branches of a conditional space apart"""
    constant_liar: bool | None = None
    """keep away from what runs at the moment"""


class RandomSearch(SamplerChoice):
    """Points drawn independently."""

    name: Literal["random"] = "random"


class GridSearch(SamplerChoice):
    """Every point of the grid, once."""

    name: Literal["grid"] = "grid"


class CmaEs(SamplerChoice):
    """Covariance matrix adaptation."""

    name: Literal["cmaes"] = "cmaes"
    n_startup_trials: Natural | None = None
    """points spread over the space before the sampler learns"""
    sigma0: AboveZero | None = None
    """first step width"""
    popsize: AtLeastTwo | None = None
    """points a generation"""
    use_separable_cma: bool | None = None
    """learn a deviation for each value, and no correlations"""
    with_margin: bool | None = None
    """keep whole numbers and steps from freezing"""
    lr_adapt: bool | None = None
    """slow learning down where values are noisy"""


class GaussianProcess(SamplerChoice):
    """Bayesian optimization by a Gaussian process."""

    name: Literal["gp"] = "gp"
    n_startup_trials: Natural | None = None
    """points spread over the space before the sampler learns"""
    deterministic_objective: bool | None = None
    """the objective has no noise"""


class Nsga2(SamplerChoice):
    """The genetic algorithm NSGA-II."""

    name: Literal["nsga2"] = "nsga2"
    population_size: AtLeastTwo | None = None
    """points a generation"""
    mutation_prob: Fraction | None = None
    """how likely a value is drawn anew"""
    crossover_prob: Fraction | None = None
    """how likely a child has two parents"""
    swapping_prob: Fraction | None = None
    """how likely the parents swap a value"""


class QuasiMonteCarlo(SamplerChoice):
    """A low-discrepancy sequence."""

    name: Literal["qmc"] = "qmc"
    qmc_type: Literal["sobol", "halton"] | None = None
    """which sequence"""
    scramble: bool | None = None
    """shuffle the sequence by the seed"""


class FirstOnly(SamplerChoice):
    """No points but the entries of ``first:``."""

    name: Literal["first-only"] = "first-only"


class OwnSampler(SamplerChoice):
    """A sampler of the user's own, made by ``package.module:factory`` from any options."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, Field(pattern=f"^{FACTORY_PATTERN}$")]


AnySampler = Annotated[
    Annotated[Tpe, Tag("tpe")]
    | Annotated[RandomSearch, Tag("random")]
    | Annotated[GridSearch, Tag("grid")]
    | Annotated[CmaEs, Tag("cmaes")]
    | Annotated[GaussianProcess, Tag("gp")]
    | Annotated[Nsga2, Tag("nsga2")]
    | Annotated[QuasiMonteCarlo, Tag("qmc")]
    | Annotated[FirstOnly, Tag("first-only")]
    | Annotated[OwnSampler, Tag(FACTORY_FORM)],
    Discriminator(form_of),
    NamedForms("sampler", default="tpe"),
]
