"""Syne Tune's own asynchronous schedulers. It is an optional part of the bench:
``pip install 'ray-study[bench-search]'``.
"""

from __future__ import annotations

import datetime
from collections.abc import ItemsView, Mapping
from typing import Any

import numpy as np
from optuna.distributions import CategoricalDistribution, IntDistribution
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice, lograndint, loguniform, randint, uniform
from syne_tune.optimizer import baselines
from syne_tune.optimizer.scheduler import SchedulerDecision

from .foreign import Answer
from .recorded import EPOCHS, RecordedSpace

_EPOCH = "epoch"
_VALUE = "value"


class SyneSearch:
    """One of Syne Tune's baselines by its class's name, with rungs of 1, 3 and 9 epochs."""

    def __init__(self, space: RecordedSpace, name: str, number: int, points: int) -> None:
        np.random.seed(number)
        self._space = space.spec.space
        self._domains = self._space.all_distributions()
        self._points = points
        self._scheduler: Any = getattr(baselines, name)(
            _config_space(space),
            metric=_VALUE,
            time_attr=_EPOCH,
            max_t=EPOCHS,
            do_minimize=space.sign < 0,
            random_seed=number,
            grace_period=1,
            reduction_factor=3,
        )
        self._trials: list[Trial] = []

    def next(self) -> int | None:
        number = len(self._trials)
        if number == self._points:
            return None
        config = self._scheduler.suggest().config
        self._trials.append(Trial(number, config, datetime.datetime.now()))
        self._scheduler.on_trial_add(self._trials[number])
        return number

    def values(self, trial: int) -> Mapping[str, Any]:
        return self._space.values_of(
            {name: _inside(self._domains[name], value) for name, value in self._config(trial)}
        )

    def _config(self, trial: int) -> ItemsView[str, Any]:
        return self._trials[trial].config.items()

    def report(self, trial: int, epoch: int, value: float) -> Answer:
        stub = self._trials[trial]
        decision = self._scheduler.on_trial_result(stub, {_EPOCH: epoch, _VALUE: value})
        return "stop" if decision == SchedulerDecision.STOP else "go"

    def end(self, trial: int, value: float | None) -> None:
        stub = self._trials[trial]
        if value is None:
            self._scheduler.on_trial_error(stub)
        else:
            self._scheduler.on_trial_complete(stub, {_EPOCH: EPOCHS, _VALUE: value})


def _config_space(space: RecordedSpace) -> dict[str, Any]:
    """The space in Syne Tune's form, which has no branches: parameters of all branches are drawn,
    and those of the branch that isn't chosen have no effect.
    """
    return {name: _domain(each) for name, each in space.spec.space.all_distributions().items()}


def _domain(distribution: Any) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return choice(list(distribution.choices))
    low, high = distribution.low, distribution.high
    if isinstance(distribution, IntDistribution):
        return lograndint(low, high) if distribution.log else randint(low, high)
    return loguniform(low, high) if distribution.log else uniform(low, high)


def _inside(distribution: Any, value: Any) -> Any:
    """A value within its bounds, which some of Syne Tune's samplers overstep."""
    if isinstance(distribution, CategoricalDistribution):
        return value
    return min(max(value, distribution.low), distribution.high)
