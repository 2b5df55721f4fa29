"""What a recipe may say of each optimizer: torch.optim's own names and meanings, a class each.

``betas`` are two numbers here, so that a search space can reach each. LBFGS (needs a closure) and
SparseAdam (needs sparse gradients) are left out. No torch here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from study.training.recipe.sections import NonNegative, Positive, Share
from study.validation.section import Section, rule

Rate = Annotated[float, Field(gt=0, le=1e6)]


class Optimizer(Section):
    """What all optimizers have."""

    lr: Rate = 1e-3
    weight_decay: NonNegative = 0.0
    lr_factors: dict[str, Positive] = Field(default_factory=dict)
    recreate_each_epoch: bool = False
    """Make a new optimizer before each epoch, so that its moments start from zero.

    A published habit.
    """

    @field_validator("lr_factors")
    @classmethod
    def named_groups(cls, factors: dict[str, float]) -> dict[str, float]:
        if any(not prefix for prefix in factors):
            raise rule("must name the beginning of parameters' names, such as features.0")
        return factors


class DecayedOptimizer(Optimizer):
    """An optimizer whose decay acts on the weights at the pace of the learning rate."""

    independent_decay: bool = False
    """Make ``weight_decay`` the share of a weight that a step at full rate takes, at any ``lr``."""


class Sgd(DecayedOptimizer):
    name: Literal["sgd"] = "sgd"
    lr: Rate = 0.1
    momentum: Share = 0.0
    dampening: Annotated[float, Field(ge=0, le=1)] = 0.0
    nesterov: bool = False
    """Without momentum it makes no difference, as in its formula."""

    @model_validator(mode="after")
    def undamped(self) -> Sgd:
        if self.nesterov and self.dampening > 0:
            raise rule("must be 0 with nesterov", ["dampening"])
        return self


class Betas(Optimizer):
    beta1: Share = 0.9
    beta2: Share = 0.999
    eps: Positive = 1e-8


class Adam(Betas):
    name: Literal["adam"] = "adam"
    amsgrad: bool = False


class AdamW(Betas, DecayedOptimizer):
    name: Literal["adamw"] = "adamw"
    weight_decay: NonNegative = 0.01
    amsgrad: bool = False


class NAdam(Betas):
    name: Literal["nadam"] = "nadam"
    lr: Rate = 2e-3
    momentum_decay: NonNegative = 4e-3


class RAdam(Betas):
    name: Literal["radam"] = "radam"


class Adamax(Betas):
    name: Literal["adamax"] = "adamax"
    lr: Rate = 2e-3


class Adadelta(Optimizer):
    name: Literal["adadelta"] = "adadelta"
    lr: Rate = 1.0
    rho: Share = 0.9
    eps: Positive = 1e-6


class Adagrad(Optimizer):
    name: Literal["adagrad"] = "adagrad"
    lr: Rate = 0.01
    lr_decay: NonNegative = 0.0
    initial_accumulator: NonNegative = 0.0
    eps: Positive = 1e-10


class Adafactor(Optimizer):
    name: Literal["adafactor"] = "adafactor"
    lr: Rate = 0.01
    beta2_decay: Annotated[float, Field(ge=-1, le=0)] = -0.8
    clip_threshold: Annotated[float, Field(ge=1)] = 1.0


class RmsProp(Optimizer):
    name: Literal["rmsprop"] = "rmsprop"
    lr: Rate = 0.01
    alpha: Share = 0.99
    momentum: Share = 0.0
    eps: Positive = 1e-8
    centered: bool = False


class Asgd(Optimizer):
    name: Literal["asgd"] = "asgd"
    lr: Rate = 0.01
    lambd: NonNegative = 1e-4
    alpha: NonNegative = 0.75
    t0: NonNegative = 1e6


class Rprop(Section):
    """Rprop has no weight decay; its step sizes are per weight, ``lr`` is only the first."""

    name: Literal["rprop"] = "rprop"
    lr: Rate = 0.01
    lr_factors: dict[str, Positive] = Field(default_factory=dict)
    recreate_each_epoch: bool = False
    eta_minus: Annotated[float, Field(gt=0, lt=1)] = 0.5
    eta_plus: Annotated[float, Field(gt=1)] = 1.2


class Muon(DecayedOptimizer):
    """Muon on matrices, a convolution's kernels flattened; AdamW with ``adamw_lr`` on all else."""

    name: Literal["muon"] = "muon"
    lr: Rate = 0.02
    weight_decay: NonNegative = 0.01
    momentum: Share = 0.95
    nesterov: bool = True
    ns_steps: Annotated[int, Field(ge=1, le=20)] = 5
    adamw_lr: Rate = 1e-3


AnyOptimizer = Annotated[
    Sgd
    | Adam
    | AdamW
    | NAdam
    | RAdam
    | Adamax
    | Adadelta
    | Adagrad
    | Adafactor
    | RmsProp
    | Asgd
    | Rprop
    | Muon,
    Field(discriminator="name"),
]
