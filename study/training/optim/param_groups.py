"""Parameter groups: each part of a model that a recipe names has a learning rate of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.optim import Optimizer

from study.training.recipe.optimizers import DecayedOptimizer, KnownOptimizer
from study.training.runtime.failures import TrainingFailure

ParamGroup = dict[str, Any]
"""What torch.optim takes, with ``name`` and ``peak_lr``, the rate that the schedule scales."""


def make_param_groups(spec: KnownOptimizer, model: nn.Module) -> list[ParamGroup]:
    """Group the parameters of ``model`` that want a gradient by the prefixes of ``lr_factors``.

    A group's ``name`` is the prefix that chose it, or "" for the rest, which comes first. Raises a
    failure of class ``invalid`` where a prefix chooses nothing.
    """
    members: dict[str, list[nn.Parameter]] = {prefix: [] for prefix in ("", *spec.lr_factors)}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            members[_longest_prefix(name, spec.lr_factors)].append(parameter)
    unused = [prefix for prefix in spec.lr_factors if not members[prefix]]
    if unused:
        beginnings = sorted({name.split(".")[0] for name, _ in model.named_parameters()})
        raise TrainingFailure(
            "invalid",
            f"optimizer.lr_factors: must name parameters of the model; found {', '.join(unused)}; "
            f"its parameters begin with {', '.join(beginnings)}",
            {},
        )
    used = {prefix: parameters for prefix, parameters in members.items() if parameters}
    return [_make_group(spec, prefix, parameters) for prefix, parameters in used.items()]


def _longest_prefix(name: str, prefixes: Iterable[str]) -> str:
    """Return the longest prefix of whole parts of ``name``; "" where there is none."""
    matching = [prefix for prefix in prefixes if f"{name}.".startswith(f"{prefix.rstrip('.')}.")]
    return max(matching, key=len, default="")


def _make_group(spec: KnownOptimizer, prefix: str, parameters: list[nn.Parameter]) -> ParamGroup:
    lr = spec.lr * spec.lr_factors.get(prefix, 1.0)
    group: ParamGroup = {"params": parameters, "name": prefix, "lr": lr, "peak_lr": lr}
    if isinstance(spec, DecayedOptimizer) and spec.independent_decay:
        group["weight_decay"] = spec.weight_decay / lr  # the update multiplies it by lr again
    return group


def learning_rates(optimizer: Optimizer) -> dict[str, float]:
    """Return the rates as an epoch's row has them: ``lr``, and ``lr.GROUP`` of several groups."""
    groups = optimizer.param_groups
    rates = {"lr": float(groups[0]["lr"])}
    if len(groups) > 1:
        for group in groups:
            if group["name"]:
                rates[f"lr.{group['name']}"] = float(group["lr"])
    return rates
