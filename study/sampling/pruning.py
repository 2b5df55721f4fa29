"""Stop decisions: Optuna's pruners, shown just the trials that a trial may be compared with.

A pruner serves the trials of one arm with one replicate number, which are known by their point's
index in the arm. Of each trial it is told the epochs in order, and it answers for each whether the
trial should stop there.

With ``by_number`` a decision on trial *n* at epoch *e* is taken against the trials below *n* that
reach *e*, whenever they reach it, so that it doesn't depend on how fast workers are. Otherwise it
is taken against all that is known at that moment.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Protocol

from study.sampling.front_pruner import FrontPruner
from study.sampling.promotion.growing import GrowingPromotion
from study.sampling.promotion.rules import FirstEpochsRule, HalvingPromotion, PromotionRule
from study.sampling.stop_rules import STUDY_OF_BRACKETS

if TYPE_CHECKING:
    import optuna

    from study.spec.pruners import PrunerChoice
    from study.spec.sections import Objective
    from study.training.recipe.metric_catalog import Direction

_MEDIAN_PERCENT = 50.0


class Pruner(Protocol):
    """Decides whether a trial goes on."""

    can_stop: bool
    """Whether it ever stops a trial: where not, nothing waits for its decisions."""

    def stops(self, index: int, epoch: int, values: tuple[float, ...]) -> bool:
        """Whether trial ``index`` stops at ``epoch``, given its objectives there.

        It is asked once for each epoch of a trial, in their order.
        """
        ...

    def close(self, index: int, state: str) -> None:
        """Take notice that the trial has ended."""
        ...


class _NoPruner:
    """Every trial goes on."""

    can_stop = False

    def stops(self, index: int, epoch: int, values: tuple[float, ...]) -> bool:
        return False

    def close(self, index: int, state: str) -> None:
        pass


def make_pruner(
    choice: PrunerChoice, objectives: tuple[Objective, ...], epochs: int, *, by_number: bool
) -> Pruner:
    """Make the pruner that the study file asks for; ``epochs`` is the most a trial can have."""
    options = dict(choice.options)
    if choice.name == "none" or choice.promotes:  # that stops nothing as long as the study runs
        return _NoPruner()
    if len(objectives) > 1:
        signs = tuple(float(objective.sign) for objective in objectives)
        return FrontPruner(choice.name, options, signs, epochs, by_number)
    decides = make_optuna_pruner(choice.name, options, epochs)
    return _OptunaPruner(decides, objectives[0].direction, by_number)


def make_promotion_rule(choice: PrunerChoice) -> PromotionRule | None:
    """Make the rule by which a study file's pruner promotes trials; None where it promotes none."""
    if not choice.promotes:
        return None
    options = choice.options
    if choice.name == "first-epochs":
        return FirstEpochsRule(options["epochs"], options["keep"])
    if choice.name == "pasha":
        return GrowingPromotion(options["min_epochs"], options["reduction"])
    return HalvingPromotion(options["min_epochs"], options["reduction"])


class _OptunaPruner:
    """One objective: the decision is Optuna's.

    In its study all trials stay RUNNING, as only such are asked about. The storage shows it the
    trials to compare with, and says which of them count as COMPLETE.
    """

    can_stop = True

    def __init__(
        self, pruner: optuna.pruners.BasePruner, direction: Direction, by_number: bool
    ) -> None:
        import optuna

        from study.sampling.optuna_internals import FilteredStorage

        self._pruner = pruner
        self._by_number = by_number
        self._storage = FilteredStorage()
        # Hyperband picks a trial's bracket by the study's name and the trial's number.
        self._study = optuna.create_study(
            storage=self._storage, study_name=STUDY_OF_BRACKETS, direction=direction
        )
        self._trial_ids: list[int] = []
        self._complete: set[int] = set()

    def stops(self, index: int, epoch: int, values: tuple[float, ...]) -> bool:
        trial_id = self._trial_id(index)
        self._storage.set_trial_intermediate_value(trial_id, epoch, values[0])
        if self._by_number:
            self._storage.is_shown = lambda trial: (
                trial.number < index and epoch in trial.intermediate_values
            )
            self._storage.is_complete = lambda trial: True
        else:
            self._storage.is_shown = lambda trial: trial.number != index
            self._storage.is_complete = lambda trial: trial.number in self._complete
        return self._pruner.prune(self._study, self._storage.get_trial(trial_id))

    def close(self, index: int, state: str) -> None:
        if state == "COMPLETE":
            self._complete.add(index)

    def _trial_id(self, index: int) -> int:
        """Optuna's trial for an index, which is its number there too."""
        from study.sampling.optuna_internals import study_id

        while len(self._trial_ids) <= index:
            self._trial_ids.append(self._storage.create_new_trial(study_id(self._study)))
        return self._trial_ids[index]


def make_optuna_pruner(
    name: str, options: dict[str, Any], epochs: int
) -> optuna.pruners.BasePruner:
    """Make a pruner of Optuna's by the study file's name for it; its resources are epochs."""
    from optuna import pruners

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some pruners are marked experimental
        if name == "asha":
            return pruners.SuccessiveHalvingPruner(
                min_resource=options["min_epochs"], reduction_factor=options["reduction"]
            )
        if name == "hyperband":
            return pruners.HyperbandPruner(
                min_resource=options["min_epochs"],
                max_resource=max(options.get("max_epochs") or epochs, options["min_epochs"]),
                reduction_factor=options["reduction"],
            )
        if name == "patient":
            return pruners.PatientPruner(
                None, patience=options["patience"], min_delta=options["min_delta"]
            )
        return pruners.PercentilePruner(
            percentile=options.get("percentile", _MEDIAN_PERCENT),
            n_startup_trials=options["startup_trials"],
            n_warmup_steps=options["warmup_epochs"],
            interval_steps=options["interval_epochs"],
            n_min_trials=options["min_trials"],
        )
