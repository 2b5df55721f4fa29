"""Muon for matrices, AdamW for everything else (https://kellerjordan.github.io/posts/muon/)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from study.training.optim.param_groups import ParamGroup
from study.training.recipe.optimizers import Muon


class MuonWithAdamW(Optimizer):
    """torch's Muon and AdamW as one optimizer.

    torch's Muon takes 2-D parameters only: a convolution's kernels are given to it as a matrix of
    one row an output channel, in a copy that is written back after the step.
    """

    def __init__(self, groups: list[ParamGroup], spec: Muon) -> None:
        split = [part for group in groups for part in _split_group(group, spec)]
        super().__init__(split, {})
        self._flat: dict[nn.Parameter, nn.Parameter] = {}
        """Each kernel's copy as a matrix: (C out, C in · height · width)."""
        for group in self.param_groups:
            if group["matrices"]:
                for kernel in group["params"]:
                    self._flat[kernel] = nn.Parameter(kernel.detach().flatten(1).clone())
        self._inner = [self._make_inner(group, spec) for group in self.param_groups]
        """One optimizer for each group; its state is what a checkpoint holds."""

    def _make_inner(self, group: ParamGroup, spec: Muon) -> Optimizer:
        if not group["matrices"]:
            return torch.optim.AdamW(group["params"], lr=group["lr"])
        return torch.optim.Muon(
            [self._flat[kernel] for kernel in group["params"]],
            lr=group["lr"],
            momentum=spec.momentum,
            nesterov=spec.nesterov,
            ns_steps=spec.ns_steps,
        )

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for kernel, flat in self._flat.items():
            flat.copy_(kernel.flatten(1))
            flat.grad = None if kernel.grad is None else kernel.grad.flatten(1)
        for group, inner in zip(self.param_groups, self._inner, strict=True):
            inner_group = inner.param_groups[0]
            inner_group["lr"] = group["lr"]
            inner_group["weight_decay"] = group["weight_decay"]
            if group["matrices"]:
                inner_group["momentum"] = group["momentum"]
            inner.step()
        for kernel, flat in self._flat.items():
            kernel.copy_(flat.view(kernel.shape))

    def state_dict(self) -> dict[str, Any]:
        return {"inner": [inner.state_dict() for inner in self._inner]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for inner, inner_state in zip(self._inner, state["inner"], strict=True):
            inner.load_state_dict(inner_state)


def _split_group(group: ParamGroup, spec: Muon) -> list[ParamGroup]:
    """Split a group into its matrices at Muon's rate and all else at AdamW's.

    The group's factor on the learning rate holds for both; an empty part is left out.
    """
    factor = group["lr"] / spec.lr
    matrices = [parameter for parameter in group["params"] if parameter.ndim >= 2]
    others = [parameter for parameter in group["params"] if parameter.ndim < 2]
    adamw_name = f"{group['name']}.adamw".lstrip(".")
    parts = (
        (True, matrices, group["name"], spec.lr * factor),
        (False, others, adamw_name, spec.adamw_lr * factor),
    )
    return [
        {
            "params": parameters,
            "name": name,
            "lr": lr,
            "peak_lr": lr,
            "matrices": is_matrices,
            "weight_decay": spec.weight_decay / lr if spec.independent_decay else spec.weight_decay,
            "momentum": spec.momentum,
        }
        for is_matrices, parameters, name, lr in parts
        if parameters
    ]
