"""What a recipe may say of each optimizer: torch.optim's own names and meanings, a class each.

``betas`` are two numbers here, so that a search space can reach each. LBFGS (needs a closure) and
SparseAdam (needs sparse gradients) are left out. No torch here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from search_spaces.values import is_finite_number
from study.training.recipe.numbers import NonNegative, Positive, Share
from study.validation.section import FACTORY_FORM, OwnPart, Section, form_of, rule

Rate = Annotated[float, Field(gt=0, le=1e6)]


class Optimizer(Section):
    """What all optimizers have."""

    lr: Rate = 1e-3
    """The learning rate at its peak: a schedule is a factor on it."""
    weight_decay: NonNegative = 0.0
    """How strongly weights are drawn to zero."""
    lr_factors: dict[str, Positive] = Field(default_factory=dict)
    """Factors on the rate of parameters, by the beginning of their names: ``{features.0: 0.1}``."""
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
    """The learning rate at its peak: a schedule is a factor on it."""
    momentum: Share = 0.0
    """The share of the last step that goes on in the next."""
    dampening: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The share of the gradient that momentum leaves out."""
    nesterov: bool = False
    """Without momentum it makes no difference, as in its formula."""

    @model_validator(mode="after")
    def undamped(self) -> Sgd:
        if self.nesterov and self.dampening > 0:
            raise rule("must be 0 with nesterov", ["dampening"])
        return self


class Betas(Optimizer):
    beta1: Share = 0.9
    """The share of the gradients' average that stays at each step."""
    beta2: Share = 0.999
    """The share of the squared gradients' average that stays at each step."""
    eps: Positive = 1e-8
    """Added to the denominator, against division by nothing."""


class Adam(Betas):
    name: Literal["adam"] = "adam"
    amsgrad: bool = False
    """Divide by the greatest average of squares so far."""


class AdamW(Betas, DecayedOptimizer):
    name: Literal["adamw"] = "adamw"
    weight_decay: NonNegative = 0.01
    """How strongly weights are drawn to zero, apart from the gradient."""
    amsgrad: bool = False
    """Divide by the greatest average of squares so far."""


class NAdam(Betas):
    name: Literal["nadam"] = "nadam"
    lr: Rate = 2e-3
    """The learning rate at its peak: a schedule is a factor on it."""
    momentum_decay: NonNegative = 4e-3
    """How fast the momentum grows to ``beta1``."""


class RAdam(Betas):
    name: Literal["radam"] = "radam"


class Adamax(Betas):
    name: Literal["adamax"] = "adamax"
    lr: Rate = 2e-3
    """The learning rate at its peak: a schedule is a factor on it."""


class Adadelta(Optimizer):
    name: Literal["adadelta"] = "adadelta"
    lr: Rate = 1.0
    """A factor on the step that the rule finds."""
    rho: Share = 0.9
    """The share of the averages that stays at each step."""
    eps: Positive = 1e-6
    """Added to the denominator, against division by nothing."""


class Adagrad(Optimizer):
    name: Literal["adagrad"] = "adagrad"
    lr: Rate = 0.01
    """The learning rate at its peak: a schedule is a factor on it."""
    lr_decay: NonNegative = 0.0
    """How fast the rate falls with the number of steps."""
    initial_accumulator: NonNegative = 0.0
    """Where the sums of squared gradients begin."""
    eps: Positive = 1e-10
    """Added to the denominator, against division by nothing."""


class Adafactor(Optimizer):
    name: Literal["adafactor"] = "adafactor"
    lr: Rate = 0.01
    """The learning rate at its peak: a schedule is a factor on it."""
    beta2_decay: Annotated[float, Field(ge=-1, le=0)] = -0.8
    """The exponent by which the average of squares forgets less and less."""
    clip_threshold: Annotated[float, Field(ge=1)] = 1.0
    """The greatest root mean square of an update."""


class RmsProp(Optimizer):
    name: Literal["rmsprop"] = "rmsprop"
    lr: Rate = 0.01
    """The learning rate at its peak: a schedule is a factor on it."""
    alpha: Share = 0.99
    """The share of the squared gradients' average that stays at each step."""
    momentum: Share = 0.0
    """The share of the last step that goes on in the next."""
    eps: Positive = 1e-8
    """Added to the denominator, against division by nothing."""
    centered: bool = False
    """Divide by the gradient's deviation in place of its size."""


class Asgd(Optimizer):
    name: Literal["asgd"] = "asgd"
    lr: Rate = 0.01
    """The learning rate at its peak: a schedule is a factor on it."""
    lambd: NonNegative = 1e-4
    """How fast the rate decays."""
    alpha: NonNegative = 0.75
    """The exponent of the rate's decay."""
    t0: NonNegative = 1e6
    """The step from which weights are averaged."""


class Rprop(Section):
    """Rprop has no weight decay; its step sizes are per weight, ``lr`` is only the first."""

    name: Literal["rprop"] = "rprop"
    lr: Rate = 0.01
    """The first step of every weight."""
    lr_factors: dict[str, Positive] = Field(default_factory=dict)
    """Factors on the first step of parameters, by the beginning of their names."""
    recreate_each_epoch: bool = False
    """Make a new optimizer before each epoch."""
    eta_minus: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """What a step is multiplied by where the gradient has changed its sign."""
    eta_plus: Annotated[float, Field(gt=1)] = 1.2
    """What a step is multiplied by where it has not."""


class Muon(DecayedOptimizer):
    """Muon on matrices, a convolution's kernels flattened; AdamW with ``adamw_lr`` on all else."""

    name: Literal["muon"] = "muon"
    lr: Rate = 0.02
    """The matrices' learning rate at its peak."""
    weight_decay: NonNegative = 0.01
    """How strongly weights are drawn to zero, apart from the gradient."""
    momentum: Share = 0.95
    """The share of the last step that goes on in the next."""
    nesterov: bool = True
    """Look ahead by the momentum."""
    ns_steps: Annotated[int, Field(ge=1, le=20)] = 5
    """Iterations of Newton and Schulz by which a step is made orthogonal."""
    adamw_lr: Rate = 1e-3
    """The learning rate of AdamW, which trains what is no matrix."""


class OwnOptimizer(OwnPart):
    """An optimizer of your own, made by ``factory(model, **options)``.

    A schedule is a factor on the learning rates that its groups are made with.
    """

    recreate_each_epoch: bool = False
    """Make a new optimizer before each epoch."""

    @property
    def has_lr(self) -> bool:
        """Whether there is an option ``lr`` that is a number."""
        return is_finite_number(self.options.get("lr"))

    @property
    def lr(self) -> float:
        """That option, 1 where there is none."""
        return float(self.options["lr"]) if self.has_lr else 1.0


KnownOptimizer = (
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
    | Muon
)
"""Those that torch has, or that are built in."""

AnyOptimizer = Annotated[
    Annotated[Sgd, Tag("sgd")]
    | Annotated[Adam, Tag("adam")]
    | Annotated[AdamW, Tag("adamw")]
    | Annotated[NAdam, Tag("nadam")]
    | Annotated[RAdam, Tag("radam")]
    | Annotated[Adamax, Tag("adamax")]
    | Annotated[Adadelta, Tag("adadelta")]
    | Annotated[Adagrad, Tag("adagrad")]
    | Annotated[Adafactor, Tag("adafactor")]
    | Annotated[RmsProp, Tag("rmsprop")]
    | Annotated[Asgd, Tag("asgd")]
    | Annotated[Rprop, Tag("rprop")]
    | Annotated[Muon, Tag("muon")]
    | Annotated[OwnOptimizer, Tag(FACTORY_FORM)],
    Discriminator(form_of),
]
