"""Learning-rate schedules: pure functions of the step where they can be, so that there is nothing
to checkpoint.

A schedule gives the factor on every group's learning rate for the update numbered ``step`` (from
0). Warm-up is a factor of its own; the curves that span the training (cosine, onecycle, polynomial)
span what is left after it, all others keep to the epochs as written. Two schedules follow a metric
instead and carry their state: plateau (torch's own) and switch.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from study.training.recipe.metric_catalog import direction_of, is_better, is_minimized
from study.training.recipe.recipe import Recipe
from study.training.recipe.schedules import (
    Constant,
    Cosine,
    Exponential,
    MultiStep,
    OneCycle,
    Plateau,
    Polynomial,
    Restarts,
    Schedule,
    Step,
    Switch,
    Triangular,
)

Row = Mapping[str, float | int | str]

HIGH_MOMENTUM, LOW_MOMENTUM = 0.95, 0.85
"""torch's OneCycleLR moves momentum between these."""


@dataclass(frozen=True)
class Clock:
    """How many updates an epoch has, and how many the whole training has (0 where that is not
    known).
    """

    steps_per_epoch: int
    total: int

    def after(self, epochs: float) -> float:
        """Epochs in updates."""
        return epochs * self.steps_per_epoch

    def period(self, epochs: float) -> float:
        """The same for something that repeats: at least one update long."""
        return max(self.after(epochs), 1.0)


def _between(start: float, end: float, share: float) -> float:
    """Half a cosine from ``start`` (share 0) to ``end`` (share 1)."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def _line(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


def _warmup(spec: Schedule, step: int, clock: Clock) -> float:
    """Rises from ``warmup_factor`` in equal parts and reaches 1 with the last update of the
    warm-up.
    """
    steps = clock.after(spec.warmup_epochs)
    return _line(spec.warmup_factor, 1.0, (step + 1) / steps) if step + 1 < steps else 1.0


def _step_curve(spec: Step, step: int, clock: Clock) -> float:
    return spec.gamma ** math.floor(step / clock.period(spec.every_epochs))


def _multistep_curve(spec: MultiStep, step: int, clock: Clock) -> float:
    return spec.gamma ** bisect_right([clock.after(epochs) for epochs in spec.milestones], step)


def _exponential_curve(spec: Exponential, step: int, clock: Clock) -> float:
    return spec.gamma ** (step // clock.steps_per_epoch)


def _spanned(spec: Schedule, step: int, clock: Clock) -> tuple[float, float]:
    """Updates done since the warm-up, and how many there are in all."""
    warm = min(clock.after(spec.warmup_epochs), clock.total)
    return min(max(step - warm, 0.0), clock.total - warm), max(clock.total - warm, 1.0)


def _cosine_curve(spec: Cosine, step: int, clock: Clock) -> float:
    done, steps = _spanned(spec, step, clock)
    return _between(1.0, spec.min_factor, done / steps)


def _polynomial_curve(spec: Polynomial, step: int, clock: Clock) -> float:
    done, steps = _spanned(spec, step, clock)
    return _line(spec.min_factor, 1.0, (1 - done / steps) ** spec.power)


def _onecycle_phase(spec: OneCycle, step: int, clock: Clock) -> tuple[bool, float]:
    """Whether the rate is still rising, and the share of that phase which is done."""
    done, steps = _spanned(spec, step, clock)
    peak = max(spec.pct_start * steps - 1, 0.0)
    if done < peak:
        return True, done / peak
    return False, min((done - peak) / max(steps - 1 - peak, 1.0), 1.0)


def _onecycle_curve(spec: OneCycle, step: int, clock: Clock) -> float:
    rising, share = _onecycle_phase(spec, step, clock)
    curve = _between if spec.anneal == "cosine" else _line
    low = 1 / spec.div_factor
    return curve(low, 1.0, share) if rising else curve(1.0, low / spec.final_div_factor, share)


def _onecycle_momentum(spec: OneCycle, step: int, clock: Clock) -> float:
    rising, share = _onecycle_phase(spec, step, clock)
    curve = _between if spec.anneal == "cosine" else _line
    return (
        curve(HIGH_MOMENTUM, LOW_MOMENTUM, share)
        if rising
        else curve(LOW_MOMENTUM, HIGH_MOMENTUM, share)
    )


def _triangular_curve(spec: Triangular, step: int, clock: Clock) -> float:
    position = step / clock.period(spec.period_epochs) % 1
    return _line(spec.min_factor, 1.0, 1 - abs(2 * position - 1))


def _restarts_curve(spec: Restarts, step: int, clock: Clock) -> float:
    done, period = float(step), clock.period(spec.period_epochs)
    if spec.period_factor == 1:
        done %= period
    while done >= period:
        done, period = done - period, period * spec.period_factor
    return _between(1.0, spec.min_factor, done / period)


def _flat(spec: Schedule, step: int, clock: Clock) -> float:
    return 1.0


_CURVES: dict[type[Schedule], Callable[[Any, int, Clock], float]] = {
    Constant: _flat,
    Step: _step_curve,
    MultiStep: _multistep_curve,
    Exponential: _exponential_curve,
    Cosine: _cosine_curve,
    OneCycle: _onecycle_curve,
    Polynomial: _polynomial_curve,
    Triangular: _triangular_curve,
    Restarts: _restarts_curve,
    Plateau: _flat,
    Switch: _flat,
}


class Trigger:
    """What follows no metric: nothing to do after an epoch, nothing to keep."""

    factor = 1.0

    def after_epoch(self, row: Row) -> None:
        pass

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


class SwitchTrigger(Trigger):
    """A one-way latch on a metric."""

    def __init__(self, spec: Switch, lr: float) -> None:
        self.spec, self.factor_after = spec, spec.lr_after / lr

    def after_epoch(self, row: Row) -> None:
        value = float(row[self.spec.metric])
        if is_better(value, self.spec.threshold, direction_of(self.spec.metric)):
            self.factor = self.factor_after

    def state_dict(self) -> dict[str, Any]:
        return {"factor": self.factor}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.factor = state["factor"]


class PlateauTrigger(Trigger):
    """torch's ReduceLROnPlateau on an optimizer of its own, whose learning rate is the factor."""

    def __init__(self, spec: Plateau) -> None:
        self.metric = spec.metric
        self.carrier = torch.optim.SGD([torch.zeros(1)], lr=1.0)
        self.scheduler = ReduceLROnPlateau(
            self.carrier,
            mode="min" if is_minimized(spec.metric) else "max",
            factor=spec.factor,
            patience=spec.patience,
            threshold=spec.threshold,
            cooldown=spec.cooldown,
            min_lr=spec.min_factor,
            eps=0.0,
        )

    def after_epoch(self, row: Row) -> None:
        self.scheduler.step(float(row[self.metric]))
        self.factor = self.carrier.param_groups[0]["lr"]

    def state_dict(self) -> dict[str, Any]:
        kept = {"best", "num_bad_epochs", "cooldown_counter", "last_epoch"}
        return {
            "factor": self.factor,
            **{key: value for key, value in vars(self.scheduler).items() if key in kept},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.factor = self.carrier.param_groups[0]["lr"] = state["factor"]
        vars(self.scheduler).update({key: value for key, value in state.items() if key != "factor"})


class LearningRate:
    """Sets every group's learning rate (and, in a cycle, momentum) before an update, from the
    recipe's schedule.
    """

    def __init__(self, recipe: Recipe, steps_per_epoch: int) -> None:
        lengths = [recipe.epochs * steps_per_epoch] if recipe.epochs else []
        self.spec = recipe.schedule
        self.clock = Clock(
            steps_per_epoch, min([*lengths, recipe.steps] if recipe.steps else lengths, default=0)
        )
        self.trigger = _trigger_of(recipe)

    def factor(self, step: int) -> float:
        curve = _CURVES[type(self.spec)]
        return (
            _warmup(self.spec, step, self.clock)
            * curve(self.spec, step, self.clock)
            * self.trigger.factor
        )

    def set(self, optimizer: Optimizer, step: int) -> None:
        factor = self.factor(step)
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * factor
        if isinstance(self.spec, OneCycle) and self.spec.cycle_momentum:
            _set_momentum(optimizer, _onecycle_momentum(self.spec, step, self.clock))

    def after_epoch(self, row: Row) -> None:
        self.trigger.after_epoch(row)

    def state_dict(self) -> dict[str, Any]:
        return self.trigger.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.trigger.load_state_dict(state)


def _trigger_of(recipe: Recipe) -> Trigger:
    if isinstance(recipe.schedule, Switch):
        return SwitchTrigger(recipe.schedule, recipe.optimizer.lr)
    return PlateauTrigger(recipe.schedule) if isinstance(recipe.schedule, Plateau) else Trigger()


def _set_momentum(optimizer: Optimizer, momentum: float) -> None:
    for group in optimizer.param_groups:
        if "betas" in group:
            group["betas"] = (momentum, *group["betas"][1:])
        elif "momentum" in group:
            group["momentum"] = momentum
