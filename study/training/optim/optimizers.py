"""The optimizers of torch.optim by name, with a learning rate of its own for each named part of a
model.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from study.training.recipe.optimizers import AnyOptimizer, Betas, DecayedOptimizer, Muon, Rprop, Sgd
from study.training.runtime.failures import TrainingFailure

Group = dict[str, Any]

_OURS = {"name", "lr_factors", "recreate_each_epoch", "independent_decay"} | {
    "beta1",
    "beta2",
    "eta_minus",
    "eta_plus",
}
_RENAMED = {"clip_threshold": "d", "initial_accumulator": "initial_accumulator_value"}
"""Fields of a recipe that are no arguments of torch.optim's classes, and those with another name
there.
"""
FUSED = {"sgd", "adam", "adamw"}
"""Those that torch has as one kernel on every device: AdamW's step of 11 million parameters takes a
sixth of the time on a CPU. All others work on lists of tensors on a GPU, as torch chooses."""
CLASSES: dict[str, type[Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adamax": torch.optim.Adamax,
    "adadelta": torch.optim.Adadelta,
    "adagrad": torch.optim.Adagrad,
    "adafactor": torch.optim.Adafactor,
    "rmsprop": torch.optim.RMSprop,
    "asgd": torch.optim.ASGD,
    "rprop": torch.optim.Rprop,
}


def make_optimizer(spec: AnyOptimizer, model: nn.Module) -> Optimizer:
    """The optimizer of ``spec`` for the parameters of ``model`` that want a gradient.

    Each group keeps its ``peak_lr``, which the schedule scales, and its ``name``: the prefix of
    ``lr_factors`` that chose it, or "" for the rest.
    """
    groups = _named_groups(spec, model)
    if isinstance(spec, Muon):
        return MuonWithAdamW(groups, spec)
    return CLASSES[spec.name](groups, **_options(spec))


def _named_groups(spec: AnyOptimizer, model: nn.Module) -> list[Group]:
    members: dict[str, list[nn.Parameter]] = {prefix: [] for prefix in ("", *spec.lr_factors)}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            members[_group_of(name, spec.lr_factors)].append(parameter)
    idle = [prefix for prefix in spec.lr_factors if not members[prefix]]
    if idle:
        names = sorted({name.split(".")[0] for name, _ in model.named_parameters()})
        raise TrainingFailure(
            "invalid",
            f"optimizer.lr_factors: must name parameters of the model; found {', '.join(idle)}; "
            f"its parameters begin with {', '.join(names)}",
            {},
        )
    return [
        _group(spec, prefix, parameters) for prefix, parameters in members.items() if parameters
    ]


def _group_of(name: str, factors: Iterable[str]) -> str:
    """The longest prefix that ``name`` begins with, at a whole part of the name; "" where there is
    none.
    """
    return max(
        (prefix for prefix in factors if f"{name}.".startswith(f"{prefix.rstrip('.')}.")),
        key=len,
        default="",
    )


def _group(spec: AnyOptimizer, prefix: str, parameters: list[nn.Parameter]) -> Group:
    lr = spec.lr * spec.lr_factors.get(prefix, 1.0)
    members: Group = {"params": parameters, "name": prefix, "lr": lr, "peak_lr": lr}
    if isinstance(spec, DecayedOptimizer) and spec.independent_decay:
        members["weight_decay"] = spec.weight_decay / lr  # the update multiplies it by lr again
    return members


def _options(spec: AnyOptimizer) -> dict[str, Any]:
    """The recipe's fields as arguments of torch.optim's class."""
    fields = spec.model_dump(exclude=_OURS).items()
    given: dict[str, Any] = {_RENAMED.get(key, key): value for key, value in fields}
    if isinstance(spec, Betas):
        given["betas"] = (spec.beta1, spec.beta2)
    if isinstance(spec, Sgd):
        given["nesterov"] = (
            spec.nesterov and spec.momentum > 0
        )  # torch refuses it where it makes no difference
    if isinstance(spec, Rprop):
        given["etas"] = (spec.eta_minus, spec.eta_plus)
    if spec.name in FUSED:
        given["fused"] = True
    return given


class MuonWithAdamW(Optimizer):
    """torch's Muon for matrices and AdamW for the rest, as one optimizer
    (https://kellerjordan.github.io/posts/muon/).

    torch's Muon takes 2-D parameters only: a convolution's kernels are given to it as a matrix of
    one row an output channel, in a copy that is written back after the step.
    """

    def __init__(self, groups: list[Group], spec: Muon) -> None:
        super().__init__([part for whole in groups for part in _split_matrices(whole, spec)], {})
        self.flat: dict[nn.Parameter, nn.Parameter] = {
            matrix: nn.Parameter(matrix.detach().flatten(1).clone()) for matrix in self.matrices()
        }
        self.inner = self.inner_optimizers(spec)

    def inner_optimizers(self, spec: Muon) -> list[Optimizer]:
        """One optimizer for each group; its state is what is kept."""
        muon: dict[str, Any] = {
            "momentum": spec.momentum,
            "nesterov": spec.nesterov,
            "ns_steps": spec.ns_steps,
        }
        return [
            (
                torch.optim.Muon(
                    [self.flat[matrix] for matrix in group["params"]], lr=group["lr"], **muon
                )
                if group["matrices"]
                else torch.optim.AdamW(group["params"], lr=group["lr"])
            )
            for group in self.param_groups
        ]

    def matrices(self) -> list[nn.Parameter]:
        return [
            matrix for group in self.param_groups if group["matrices"] for matrix in group["params"]
        ]

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for matrix, flat in self.flat.items():
            flat.copy_(matrix.flatten(1))
            flat.grad = None if matrix.grad is None else matrix.grad.flatten(1)
        for group, inner in zip(self.param_groups, self.inner, strict=True):
            shared = (
                ("lr", "weight_decay", "momentum") if group["matrices"] else ("lr", "weight_decay")
            )
            inner.param_groups[0].update({key: group[key] for key in shared})
            inner.step()
        for matrix, flat in self.flat.items():
            matrix.copy_(flat.view(matrix.shape))

    def state_dict(self) -> dict[str, Any]:
        return {"inner": [inner.state_dict() for inner in self.inner]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for inner, kept in zip(self.inner, state["inner"], strict=True):
            inner.load_state_dict(kept)


def _split_matrices(whole: Group, spec: Muon) -> list[Group]:
    """A group's matrices at Muon's rate, and all else at AdamW's; a group's factor holds for
    both.
    """
    factor = whole["lr"] / spec.lr
    parts = []
    for matrices, lr in ((True, spec.lr), (False, spec.adamw_lr)):
        parameters = [
            parameter for parameter in whole["params"] if (parameter.ndim >= 2) == matrices
        ]
        decay = spec.weight_decay / (lr * factor) if spec.independent_decay else spec.weight_decay
        name = whole["name"] if matrices else f"{whole['name']}.adamw".lstrip(".")
        part = {
            "params": parameters,
            "name": name,
            "lr": lr * factor,
            "peak_lr": lr * factor,
            "matrices": matrices,
        }
        parts.append(part | {"weight_decay": decay, "momentum": spec.momentum})
    return [part for part in parts if part["params"]]


def rates(optimizer: Optimizer) -> dict[str, float]:
    """The learning rates as an epoch's row has them: ``lr``, and ``lr.<group>`` where there are
    several groups.
    """
    groups = optimizer.param_groups
    named = {f"lr.{group['name']}": float(group["lr"]) for group in groups if group["name"]}
    return {"lr": float(groups[0]["lr"])} | (named if len(groups) > 1 else {})
