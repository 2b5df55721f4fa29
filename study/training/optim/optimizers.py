"""The optimizers of torch.optim by their names in a recipe."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from study.training.optim.adafactor import Adafactor
from study.training.optim.muon import MuonWithAdamW
from study.training.optim.param_groups import make_param_groups
from study.training.recipe.optimizers import AnyOptimizer, KnownOptimizer, Muon, OwnOptimizer, Sgd
from study.training.runtime.own_parts import own_function, part_failure

OPTIMIZER_CLASSES: dict[str, type[Optimizer]] = {
    "sgd": torch.optim.SGD,  # https://proceedings.mlr.press/v28/sutskever13.html
    "adam": torch.optim.Adam,  # arXiv:1412.6980
    "adamw": torch.optim.AdamW,  # arXiv:1711.05101
    "nadam": torch.optim.NAdam,  # https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ
    "radam": torch.optim.RAdam,  # arXiv:1908.03265
    "adamax": torch.optim.Adamax,  # arXiv:1412.6980, section 7.1
    "adadelta": torch.optim.Adadelta,  # arXiv:1212.5701
    "adagrad": torch.optim.Adagrad,  # https://jmlr.org/papers/v12/duchi11a.html
    "adafactor": Adafactor,  # arXiv:1804.04235
    "rmsprop": torch.optim.RMSprop,  # G. Hinton, lecture 6e; centered as in arXiv:1308.0850
    "asgd": torch.optim.ASGD,  # https://doi.org/10.1137/0330046
    "rprop": torch.optim.Rprop,  # https://doi.org/10.1109/ICNN.1993.298623
}
"""All but Muon, which is two optimizers."""

FUSED_OPTIMIZERS = {"sgd", "adam", "adamw"}
"""Those that torch has as one kernel on every device: AdamW's step of 11 million parameters takes a
sixth of the time on a CPU. Most others work on lists of tensors on a GPU, as torch chooses."""

_CAPTURABLE = "capturable"
"""torch's word for an optimizer that keeps all its numbers on the GPU."""

_NOT_ARGUMENTS = {"name", "lr_factors", "recreate_each_epoch", "independent_decay"}
"""Fields of a recipe's optimizer that are handled here, and not by torch."""

_PAIRED_ARGUMENTS = {"betas": ("beta1", "beta2"), "etas": ("eta_minus", "eta_plus")}
"""torch's arguments that are two numbers, which a recipe has as two fields."""

_RENAMED_ARGUMENTS = {"clip_threshold": "d", "initial_accumulator": "initial_accumulator_value"}
"""Fields of a recipe, and what torch calls them."""


def make_optimizer(spec: AnyOptimizer, model: nn.Module) -> Optimizer:
    """Make the optimizer of ``spec`` for the parameters of ``model`` that want a gradient.

    Its groups are those of ``param_groups.make_param_groups``; those of the user's own optimizer
    are as its factory makes them.
    """
    if isinstance(spec, OwnOptimizer):
        return _make_own(spec, model)
    groups = make_param_groups(spec, model)
    if isinstance(spec, Muon):
        return MuonWithAdamW(groups, spec)
    arguments = _torch_arguments(spec)
    if spec.name == "asgd":  # torch's own else reads and writes numbers of each parameter
        arguments[_CAPTURABLE] = groups[0]["params"][0].is_cuda
    return OPTIMIZER_CLASSES[spec.name](groups, **arguments)


def _make_own(spec: OwnOptimizer, model: nn.Module) -> Optimizer:
    """Make the user's own optimizer; the rates of its groups are the peak of the schedule."""
    optimizer = own_function(spec.name, ("model",), spec.options)(model)
    if not isinstance(optimizer, Optimizer):
        found = type(optimizer).__name__
        raise part_failure(spec.name, f"must return a torch.optim.Optimizer; found {found}")
    groups = optimizer.param_groups
    for index, group in enumerate(groups):
        if "lr" not in group:
            raise part_failure(spec.name, "must make groups with a learning rate lr")
        group.setdefault("name", str(index) if index else "")
        group["peak_lr"] = float(group["lr"])
    return optimizer


def load_optimizer_state(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Go on from a state that may come from another kind of device."""
    if _CAPTURABLE in optimizer.defaults:
        own = optimizer.defaults[_CAPTURABLE]
        groups = [{**group, _CAPTURABLE: own} for group in state["param_groups"]]
        state = {**state, "param_groups": groups}
    optimizer.load_state_dict(state)


def _torch_arguments(spec: KnownOptimizer) -> dict[str, Any]:
    """Return the recipe's fields as arguments of torch's class."""
    fields: dict[str, Any] = spec.model_dump(exclude=_NOT_ARGUMENTS)
    for pair, (first, second) in _PAIRED_ARGUMENTS.items():
        if first in fields:
            fields[pair] = (fields.pop(first), fields.pop(second))
    arguments = {_RENAMED_ARGUMENTS.get(name, name): value for name, value in fields.items()}
    if isinstance(spec, Sgd) and not spec.momentum:
        arguments["nesterov"] = False  # torch refuses it where it makes no difference
    if spec.name in FUSED_OPTIMIZERS:
        arguments["fused"] = True
    return arguments
