"""What this project uses of Optuna without its promise, each with the reason why.

Optuna may change any of it in a minor version. ``tests/study/sampling/test_optuna_internals.py``
names each and fails where the installed Optuna has changed it.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

_RELATIVE_PARAMS = "tpe:relative_params"
_CONSTRAINT = "constraints"
_VIOLATED = 1.0


def study_id(study: optuna.Study) -> int:
    """The number by which a study's storage knows it.

    Optuna hides it, but every call of a storage asks for it, and only a storage can be given trials
    that are still running.
    """
    return study._study_id


def drop_relative_params(storage: InMemoryStorage, trial_id: int) -> None:
    """Drop TPE's note of all parameters that it drew for a trial, those of branches not taken
    among them.

    While a trial runs, TPE would count them as the trial's own. After a resume, which knows only
    the parameters that were used, it would not: its proposals would come to differ.
    """
    for key in storage.get_trial_system_attrs(trial_id):
        if key.startswith(_RELATIVE_PARAMS):
            storage.set_trial_system_attr(trial_id, key, "")


def violate_constraint(storage: InMemoryStorage, trial_id: int, name: str) -> None:
    """Have a running trial violate a constraint, from which TPE learns to keep away.

    Optuna's own way is a method of the handle that ``ask`` gave. It is gone after a resume, and a
    point that the user added never had one.
    """
    storage.set_trial_system_attr(trial_id, f"{_CONSTRAINT}:{name}", _VIOLATED)


class NotingTPESampler(optuna.samplers.TPESampler):
    """TPE that notes what it thinks of its draws, and draws as ever.

    Of several candidates it takes the one that is likelier among its better points than among the
    others by the greatest factor. It tells nobody which factor that is.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.log_ratios: list[tuple[frozenset[str], float]] = []
        """The logarithm of that factor for each group of parameters that was drawn together."""

    def count_better(self, told: int) -> int:
        """How many of ``told`` points it takes for the better ones, once it has drawn."""
        return int(self._gamma(told)) if self._gamma is not None else 0

    def _compute_acquisition_func(self, samples: Any, mpe_below: Any, mpe_above: Any) -> Any:
        log_ratios = super()._compute_acquisition_func(samples, mpe_below, mpe_above)
        self.log_ratios.append((frozenset(samples), float(log_ratios.max())))
        return log_ratios


class FilteredStorage(InMemoryStorage):
    """Trials in memory, of which Optuna is shown those that it may see.

    Samplers and pruners ask their study for its trials, and that asks the storage for all of them.
    There is no public way to leave some out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_shown: Callable[[FrozenTrial], bool] | None = None
        """Which trials are shown; None where all are."""
        self.is_complete: Callable[[FrozenTrial], bool] | None = None
        """Which trials count as COMPLETE in a study whose trials all stay RUNNING; None where
        trials have states of their own.
        """

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        if self.is_complete is None:
            return self._shown(super().get_all_trials(study_id, deepcopy, states))
        trials = self._shown(super().get_all_trials(study_id, deepcopy))
        if states is None or TrialState.RUNNING in states:
            return trials
        return [trial for trial in trials if self.is_complete(trial)]

    def _shown(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        if self.is_shown is None:
            return trials
        return [trial for trial in trials if self.is_shown(trial)]
