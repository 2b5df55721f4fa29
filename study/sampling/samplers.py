"""Optuna's samplers by the study file's names for them, and those of the user's own."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from study.spec.samplers import START_SIZES

if TYPE_CHECKING:
    import optuna

    from search_spaces.space import Space
    from study.spec.samplers import SamplerChoice


IGNORE_RESULTS = frozenset({"random", "qmc", "grid", "first-only"})
"""Samplers whose proposals don't depend on results."""
_HIDE_STATE = frozenset({"cmaes", "nsga2", "qmc"})


def hides_state(choice: SamplerChoice) -> bool:
    """Whether a sampler keeps a state of its own beside the trials; one of the user's may."""
    return choice.name in _HIDE_STATE or ":" in choice.name


def make_sampler(
    choice: SamplerChoice, seed: int, space: Space | None = None
) -> optuna.samplers.BaseSampler:
    """Make the sampler that the study file asks for, one of Optuna's or a factory of the user's.

    A quasi-random one spreads its points over all variables of ``space``, those of every branch. By
    itself it would take those of the first trial that has ended, which is now one and now another,
    and draw all others at random.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some samplers and options are marked experimental
        if ":" in choice.name:
            return _users_factory(choice.name)(seed=seed, **choice.options)
        sampler = _sampler_class(choice.name)(**effective_options(choice), seed=seed)
    if choice.name == "qmc" and space is not None:
        whole = space.all_distributions()
        sampler.infer_relative_search_space = lambda study, trial: whole  # type: ignore[method-assign]
    return sampler


def _users_factory(name: str) -> Callable[..., optuna.samplers.BaseSampler]:
    """The function that ``module:function`` names."""
    module, _, function = name.partition(":")
    factory: Callable[..., optuna.samplers.BaseSampler]
    factory = getattr(importlib.import_module(module), function)
    return factory


_DEFAULTS: dict[str, dict[str, Any]] = {
    "tpe": {"multivariate": True, "group": True, "constant_liar": True},
    "cmaes": {"warn_independent_sampling": False},
    "gp": {"warn_independent_sampling": False},
    "qmc": {
        "scramble": True,
        "warn_independent_sampling": False,
        "warn_asynchronous_seeding": False,
    },
}
"""Options that differ from Optuna's: for conditional spaces, for points that are asked for in
parallel, and for silence.
"""


def effective_options(choice: SamplerChoice) -> dict[str, Any]:
    """The options that the sampler is made with, beside its seed."""
    return {**_DEFAULTS.get(choice.name, {}), **choice.options}


def start_size(choice: SamplerChoice) -> int:
    """How many points a sampler that learns is given to begin with; 0 for the others."""
    if choice.name not in START_SIZES:
        return 0
    return int(choice.options.get("n_startup_trials", START_SIZES[choice.name]))


def _sampler_class(name: str) -> Callable[..., optuna.samplers.BaseSampler]:
    import optuna

    from study.sampling.optuna_internals import NotingTPESampler

    classes: dict[str, Callable[..., optuna.samplers.BaseSampler]] = {
        "tpe": NotingTPESampler,
        "random": optuna.samplers.RandomSampler,
        "cmaes": optuna.samplers.CmaEsSampler,
        "gp": optuna.samplers.GPSampler,
        "nsga2": optuna.samplers.NSGAIISampler,
        "qmc": optuna.samplers.QMCSampler,
    }
    return classes[name]
