"""The pruners that a study file may name, each with its options in epochs, defaults filled in.

A pruner stops trials, or it promotes them: it sets each aside after a few epochs, and goes on with
the best.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from study.spec.parts.file_section import FileSection, NamedForms
from study.validation.numbers import AtLeastOne, Natural, Percentage, Reduction, ZeroOrMore


class PrunerChoice(FileSection):
    """A pruner by its name; it stops trials that promise little."""

    name: str

    @property
    def promotes(self) -> bool:
        """Whether it sets trials aside and goes on with the best of them."""
        return False

    @property
    def first_decision(self) -> int:
        """The first epoch after which it may stop a trial or set it aside; 0: never."""
        raise NotImplementedError

    @property
    def options(self) -> dict[str, Any]:
        """All that the pruner is told beside its name."""
        return {key: value for key, value in self.tree().items() if key != "name"}


class Asha(PrunerChoice):
    """Asynchronous successive halving."""

    name: Literal["asha"] = "asha"
    min_epochs: AtLeastOne = 1
    """epochs before a trial may be stopped"""
    reduction: Reduction = 3
    """one trial in so many goes on at each rung"""
    promote: bool = False
    """whether each trial waits at its rung until it is among the best there, and then goes on"""

    @property
    def promotes(self) -> bool:
        return self.promote

    def tree(self) -> dict[str, Any]:
        tree = super().tree()
        return tree if self.promote else {key: tree[key] for key in tree if key != "promote"}

    @property
    def first_decision(self) -> int:
        return self.min_epochs


class FirstEpochs(PrunerChoice):
    """Every point trains for a few epochs, then the best few go on to their end."""

    name: Literal["first-epochs"] = "first-epochs"
    epochs: AtLeastOne = 1
    """epochs that every trial has"""
    keep: AtLeastOne = 3
    """trials that go on to their end, in each arm"""

    @property
    def promotes(self) -> bool:
        return True

    @property
    def first_decision(self) -> int:
        return self.epochs


class Pasha(PrunerChoice):
    """asha with promotion, whose longest rung grows only while the order of the best changes."""

    name: Literal["pasha"] = "pasha"
    min_epochs: AtLeastOne = 1
    """epochs before a trial waits for the first time"""
    reduction: Reduction = 3
    """one trial in so many goes on at each rung"""

    @property
    def promotes(self) -> bool:
        return True

    @property
    def first_decision(self) -> int:
        return self.min_epochs


class Hyperband(PrunerChoice):
    """Several brackets of successive halving."""

    name: Literal["hyperband"] = "hyperband"
    min_epochs: AtLeastOne = 1
    """epochs before a trial may be stopped"""
    max_epochs: AtLeastOne | None = None
    """the longest trial; left out, what has been seen"""
    reduction: Reduction = 3
    """one trial in so many goes on at each rung"""

    @property
    def first_decision(self) -> int:
        return self.min_epochs


class _Ranked(PrunerChoice):
    startup_trials: Natural = 5
    """trials before any may be stopped"""
    warmup_epochs: Natural = 0
    """epochs in which a trial may not be stopped"""
    interval_epochs: AtLeastOne = 1
    """epochs between decisions"""
    min_trials: AtLeastOne = 1
    """trials that must have reached an epoch before one is stopped there"""

    @property
    def first_decision(self) -> int:
        return max(1, self.warmup_epochs)


class Median(_Ranked):
    """Stop what is worse than the median of the trials at the same epoch."""

    name: Literal["median"] = "median"


class _Share(PrunerChoice):
    percentile: Percentage = 25.0
    """the share that goes on"""


class Percentile(_Ranked, _Share):
    """Stop what is worse than a percentile of the trials at the same epoch."""

    name: Literal["percentile"] = "percentile"


class Patient(PrunerChoice):
    """Stop what has made no progress for some epochs."""

    name: Literal["patient"] = "patient"
    patience: Natural = 5
    """epochs without progress that are borne"""
    min_delta: ZeroOrMore = 0.0
    """the least that counts as progress"""

    @property
    def first_decision(self) -> int:
        # the best of the last patience + 1 epochs is held against the one before them
        return self.patience + 2


class NoPruning(PrunerChoice):
    """Every trial runs to its end."""

    name: Literal["none"] = "none"

    @property
    def first_decision(self) -> int:
        return 0


class Auto(PrunerChoice):
    """What suits the study: decided when it begins, and ``study preview`` says what it is."""

    name: Literal["auto"] = "auto"

    @property
    def first_decision(self) -> int:
        return 0


AnyPruner = Annotated[
    Asha | Pasha | FirstEpochs | Hyperband | Median | Percentile | Patient | NoPruning | Auto,
    Field(discriminator="name"),
    NamedForms("pruner"),
]
