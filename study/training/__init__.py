"""One training of one recipe, with torch and nothing of Ray or Optuna: begin with ``loop``.

The parts that a training is made of are public under this name, for training functions of the
user's own; each is loaded when it is asked for.

>>> from study import training
>>> recipe = training.Recipe.model_validate(config | {"seed": session.seed})
>>> data = training.load_data_set(recipe.data, session.data_dir)
>>> loaders = training.make_loaders(recipe, data, session.device)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from study.training.data.datasets import load_data_set
    from study.training.data.loaders import make_loaders
    from study.training.metrics import RunningMeans, evaluate
    from study.training.models.factory import build_for_recipe
    from study.training.optim.accumulation import accumulate_gradients
    from study.training.optim.loss import LossFunction
    from study.training.optim.optimizers import make_optimizer
    from study.training.optim.precision import MixedPrecision
    from study.training.optim.schedules import LearningRate
    from study.training.recipe.recipe import Recipe
    from study.training.runtime.randomness import seed_everything

_MODULES = {
    "LearningRate": "optim.schedules",
    "LossFunction": "optim.loss",
    "MixedPrecision": "optim.precision",
    "Recipe": "recipe.recipe",
    "RunningMeans": "metrics",
    "accumulate_gradients": "optim.accumulation",
    "build_for_recipe": "models.factory",
    "evaluate": "metrics",
    "load_data_set": "data.datasets",
    "make_loaders": "data.loaders",
    "make_optimizer": "optim.optimizers",
    "seed_everything": "runtime.randomness",
}
"""Where the parts are."""

__all__ = [
    "LearningRate",
    "LossFunction",
    "MixedPrecision",
    "Recipe",
    "RunningMeans",
    "accumulate_gradients",
    "build_for_recipe",
    "evaluate",
    "load_data_set",
    "make_loaders",
    "make_optimizer",
    "seed_everything",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
