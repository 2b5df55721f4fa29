"""What a recipe may say of each schedule: a factor on every learning rate, whose peak is ``lr``.

Lengths are in epochs (parts of an epoch too), so that a recipe means the same at another batch
size. Warm-up is a factor of its own that rises in a straight line from ``warmup_factor`` to 1 over
``warmup_epochs``; a schedule that spans the training spans what is left after it, any other keeps
to its epochs as written.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator

from study.training.recipe.numbers import Count, NonNegative, Positive
from study.training.recipe.sections import Metric
from study.validation.section import FACTORY_FORM, OwnPart, Section, form_of, list_to_tuple, rule

Factor = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(gt=0, le=1)]


class Schedule(Section):
    warmup_epochs: NonNegative = 0.0
    """Epochs, or parts of one, in which the rate rises to its peak in a straight line."""
    warmup_factor: Factor = 0.0
    """The share of the peak that warm-up begins with."""


class ConstantSchedule(Schedule):
    name: Literal["constant"] = "constant"


class Step(Schedule):
    """Multiply by ``gamma`` every ``every_epochs`` epochs."""

    name: Literal["step"] = "step"
    every_epochs: Positive = 10.0
    """Epochs, or parts of one, between two steps."""
    gamma: Decay = 0.1
    """What the rate is multiplied by at each."""


class MultiStep(Schedule):
    """Multiply by ``gamma`` at each of ``milestones`` (epochs)."""

    name: Literal["multistep"] = "multistep"
    milestones: Annotated[tuple[NonNegative, ...], BeforeValidator(list_to_tuple)] = (5.0, 8.0)
    """Epochs at which the rate falls."""
    gamma: Decay = 0.1
    """What the rate is multiplied by at each."""

    @field_validator("milestones")
    @classmethod
    def rising(cls, milestones: tuple[float, ...]) -> tuple[float, ...]:
        if any(later <= earlier for earlier, later in pairwise(milestones)):
            raise rule("must rise")
        return milestones


class Exponential(Schedule):
    """Multiply by ``gamma`` after each epoch, in steps as torch's ExponentialLR does."""

    name: Literal["exponential"] = "exponential"
    gamma: Decay = 0.95
    """What the rate is multiplied by after each epoch."""


class Cosine(Schedule):
    """Half a cosine from 1 to ``min_factor`` over the whole length.

    arXiv:1608.03983, without restarts.
    """

    name: Literal["cosine"] = "cosine"
    min_factor: Factor = 0.0
    """The share of the peak at the end."""


class OneCycle(Schedule):
    """Up and down again, once: torch's OneCycleLR.

    Up from 1 / ``div_factor`` to 1, then down to 1 / (``div_factor`` × ``final_div_factor``).
    """

    name: Literal["onecycle"] = "onecycle"
    pct_start: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """The share of the training in which the rate rises."""
    div_factor: Annotated[float, Field(ge=1)] = 25.0
    """The peak over the rate at the start."""
    final_div_factor: Annotated[float, Field(ge=1)] = 1e4
    """The rate at the start over that at the end."""
    anneal: Literal["cosine", "linear"] = "cosine"
    """By which curve the rate rises and falls."""
    cycle_momentum: bool = False
    """Move momentum (Adam: beta1) between 0.95 and 0.85 against the rate: torch's default."""


class Polynomial(Schedule):
    """(1 - progress) ** ``power`` down to ``min_factor`` at the end of the length."""

    name: Literal["polynomial"] = "polynomial"
    power: Positive = 1.0
    """The exponent; 1 is a straight line."""
    min_factor: Factor = 0.0
    """The share of the peak at the end."""


class Triangular(Schedule):
    """Up and down in straight lines between ``min_factor`` and 1, ``period_epochs`` a cycle.

    arXiv:1506.01186.
    """

    name: Literal["triangular"] = "triangular"
    period_epochs: Positive = 4.0
    """Epochs of one way up and down."""
    min_factor: Factor = 0.1
    """The share of the peak between two cycles."""


class Plateau(Schedule):
    """Multiply by ``factor`` when ``metric`` has stopped improving.

    That is when it has not improved by ``threshold`` (relative) for ``patience`` epochs.
    """

    name: Literal["plateau"] = "plateau"
    metric: Metric = "val_loss"
    """What must get better."""
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """What the rate is multiplied by."""
    patience: Annotated[int, Field(ge=0, le=2**40)] = 10
    """Epochs without a better value that are borne."""
    threshold: NonNegative = 1e-4
    """The relative change that counts as better."""
    cooldown: Annotated[int, Field(ge=0, le=2**40)] = 0
    """Epochs after a step in which none are counted."""
    min_factor: Factor = 0.0
    """The least share of the peak."""


class Switch(Schedule):
    """Make ``lr`` become ``lr_after`` for good, once ``metric`` has passed ``threshold``."""

    name: Literal["switch"] = "switch"
    metric: Metric = "val_accuracy"
    """What is watched."""
    threshold: float = 0.8
    """The value that it must pass."""
    lr_after: Positive = 0.1
    """The learning rate from then on."""


class Restarts(Schedule):
    """Cosine with warm restarts: the first cycle has ``period_epochs``, each next is longer.

    arXiv:1608.03983.
    """

    name: Literal["cosine_restarts"] = "cosine_restarts"
    period_epochs: Positive = 10.0
    """Epochs of the first cycle."""
    period_factor: Count = 1
    """How many times as long each cycle is as the one before."""
    min_factor: Factor = 0.0
    """The share of the peak at the end of a cycle."""


class OwnSchedule(Schedule, OwnPart):
    """A schedule of your own: the factor that ``function(step, steps, **options)`` returns.

    ``step`` counts updates from 0, ``steps`` are those of the whole training, 0 where its length is
    in seconds.
    """


AnySchedule = Annotated[
    Annotated[ConstantSchedule, Tag("constant")]
    | Annotated[Step, Tag("step")]
    | Annotated[MultiStep, Tag("multistep")]
    | Annotated[Exponential, Tag("exponential")]
    | Annotated[Cosine, Tag("cosine")]
    | Annotated[OneCycle, Tag("onecycle")]
    | Annotated[Polynomial, Tag("polynomial")]
    | Annotated[Triangular, Tag("triangular")]
    | Annotated[Plateau, Tag("plateau")]
    | Annotated[Switch, Tag("switch")]
    | Annotated[Restarts, Tag("cosine_restarts")]
    | Annotated[OwnSchedule, Tag(FACTORY_FORM)],
    Discriminator(form_of),
]

NEEDS_LENGTH: frozenset[str] = frozenset({"cosine", "onecycle", "polynomial"})
"""Schedules whose shape spans the whole training: its length must be known in steps."""
