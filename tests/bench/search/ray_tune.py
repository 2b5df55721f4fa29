"""Ray Tune's own schedulers, beside random points or Tune's own OptunaSearch, driven without a
cluster: what they ask of Tune's controller and of its trials is little enough to stand in for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler, HyperBandScheduler, TrialScheduler
from ray.tune.search.optuna import OptunaSearch

from search_spaces.random_trial import RandomTrial

from .foreign import Answer
from .recorded import EPOCHS, RecordedSpace

_EPOCH = "training_iteration"
_VALUE = "value"
_MOST_PENDING = 200
"""So many trials Tune makes ahead where its own generator draws them; with a searcher, one."""


@dataclass(eq=False)
class _Trial:
    """What a scheduler asks of a trial."""

    trial_id: str
    status: str = Trial.PENDING
    is_saving: bool = False
    latest: dict[str, float] = field(default_factory=dict)


class TuneSearch:
    """Tune's scheduler ``asha`` or ``hyperband``, on random points or on those of OptunaSearch."""

    def __init__(
        self, space: RecordedSpace, scheduler: str, number: int, points: int, *, optuna: bool
    ) -> None:
        np.random.seed(number)  # the scheduler draws from numpy's
        self._space = space.spec.space
        self._random = RandomTrial(number)
        mode = "max" if space.sign > 0 else "min"
        self._optuna = None
        if optuna:
            self._optuna = OptunaSearch(self._ask, metric=_VALUE, mode=mode, seed=number)
        common: dict[str, Any] = {"time_attr": _EPOCH, "metric": _VALUE, "mode": mode}
        self._scheduler: Any = HyperBandScheduler(max_t=EPOCHS, **common)
        if scheduler == "asha":
            self._scheduler = AsyncHyperBandScheduler(max_t=EPOCHS, reduction_factor=3, **common)
        self._most_pending = 1 if optuna else _MOST_PENDING
        self._points = points
        self._values: list[Mapping[str, Any]] = []
        self._trials: list[_Trial] = []

    def _ask(self, trial: Any) -> None:
        """Draw a point by Optuna's define-by-run; its names hold dots, which Tune would unfold."""
        self._values.append(self._space.ask(trial))

    def next(self) -> int | None:
        self._make_ahead()
        chosen = self._scheduler.choose_trial_to_run(self)
        if chosen is None:
            return None
        chosen.status = Trial.RUNNING
        self._make_ahead()  # before a worker is free for it
        return int(chosen.trial_id)

    def values(self, trial: int) -> Mapping[str, Any]:
        return self._values[trial]

    def _make_ahead(self) -> None:
        """Make the trials that wait for a worker."""
        pending = sum(stub.status == Trial.PENDING for stub in self._trials)
        for _ in range(min(self._most_pending - pending, self._points - len(self._trials))):
            self._add()

    def _add(self) -> None:
        stub = _Trial(str(len(self._trials)))
        if self._optuna is None:
            self._values.append(self._space.ask(self._random))
        else:
            self._optuna.suggest(stub.trial_id)
        self._trials.append(stub)
        self._scheduler.on_trial_add(self, stub)

    def report(self, trial: int, epoch: int, value: float) -> Answer:
        stub = self._trials[trial]
        stub.latest = {_EPOCH: epoch, _VALUE: value}
        decision = self._scheduler.on_trial_result(self, stub, stub.latest)
        if decision == TrialScheduler.STOP:
            self._complete(stub)
            return "stop"
        if self._optuna is not None:
            self._optuna.on_trial_result(stub.trial_id, stub.latest)
        if decision == TrialScheduler.PAUSE:
            stub.status = Trial.PAUSED
            return "pause"
        return "go"

    def end(self, trial: int, value: float | None) -> None:
        stub = self._trials[trial]
        if value is None:
            stub.status = Trial.ERROR
            self._scheduler.on_trial_error(self, stub)
            if self._optuna is not None:
                self._optuna.on_trial_complete(stub.trial_id, error=True)
            return
        stub.latest = {_EPOCH: EPOCHS, _VALUE: value}
        self._scheduler.on_trial_result(self, stub, stub.latest)
        self._complete(stub)

    def _complete(self, stub: _Trial) -> None:
        """End a running trial, as Tune's controller does."""
        stub.status = Trial.TERMINATED
        self._scheduler.on_trial_complete(self, stub, stub.latest)
        if self._optuna is not None:
            self._optuna.on_trial_complete(stub.trial_id, stub.latest)

    # --- what a scheduler asks of Tune's controller ---

    def get_trials(self) -> list[_Trial]:
        return self._trials

    def stop_trial(self, stub: _Trial) -> None:
        """End a trial that was set aside."""
        if stub.status != Trial.PAUSED:
            return
        stub.status = Trial.TERMINATED
        self._scheduler.on_trial_remove(self, stub)
        if self._optuna is not None:
            self._optuna.on_trial_complete(stub.trial_id)
