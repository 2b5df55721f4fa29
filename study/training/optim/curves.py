"""Learning-rate curves: each schedule's factor as a pure function of the step.

So there is nothing of them to checkpoint. Curves that span the training (cosine, onecycle,
polynomial) span what is left after the warm-up; all others keep to the epochs as written.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

from study.training.recipe.schedules import (
    ConstantSchedule,
    Cosine,
    Exponential,
    MultiStep,
    OneCycle,
    OwnSchedule,
    Plateau,
    Polynomial,
    Restarts,
    Schedule,
    Step,
    Switch,
    Triangular,
)
from study.training.runtime.own_parts import own_function, part_failure

_HIGH_MOMENTUM = 0.95
_LOW_MOMENTUM = 0.85
"""torch's OneCycleLR moves momentum between these."""


@dataclass(frozen=True)
class TrainingLength:
    """The length of a training in updates."""

    steps_per_epoch: int
    total_steps: int
    """0 where it is not known."""

    def to_steps(self, epochs: float) -> float:
        """Turn epochs, also parts of one, into updates."""
        return epochs * self.steps_per_epoch

    def to_period(self, epochs: float) -> float:
        """Turn the epochs of something that repeats into updates, at least one."""
        return max(self.to_steps(epochs), 1.0)


def warmup_factor(spec: Schedule, step: int, length: TrainingLength) -> float:
    """Rise from ``spec.warmup_factor`` in equal parts to 1 at the last update of the warm-up.

    arXiv:1706.02677, section 2.2.
    """
    warmup_steps = length.to_steps(spec.warmup_epochs)
    if step + 1 >= warmup_steps:
        return 1.0
    return _line(spec.warmup_factor, 1.0, (step + 1) / warmup_steps)


def curve_factor(spec: Schedule, step: int, length: TrainingLength) -> float:
    """Return the factor on the learning rate for the update numbered ``step`` (from 0).

    Warm-up is a factor of its own, and so is what follows a metric.
    """
    return _CURVES[type(spec)](spec, step, length)


def onecycle_momentum(spec: OneCycle, step: int, length: TrainingLength) -> float:
    """Return the momentum for an update: it falls while the rate rises, and rises again."""
    is_rising, progress = _onecycle_phase(spec, step, length)
    anneal = _anneal_of(spec)
    if is_rising:
        return anneal(_HIGH_MOMENTUM, _LOW_MOMENTUM, progress)
    return anneal(_LOW_MOMENTUM, _HIGH_MOMENTUM, progress)


def _line(start: float, end: float, progress: float) -> float:
    return start + (end - start) * progress


def _half_cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * progress))


def _constant(spec: Schedule, step: int, length: TrainingLength) -> float:
    return 1.0


def _step(spec: Step, step: int, length: TrainingLength) -> float:
    """Decay by ``gamma`` every few epochs."""
    return spec.gamma ** math.floor(step / length.to_period(spec.every_epochs))


def _multistep(spec: MultiStep, step: int, length: TrainingLength) -> float:
    """Decay by ``gamma`` at each milestone."""
    milestones = [length.to_steps(epochs) for epochs in spec.milestones]
    passed = bisect_right(milestones, step)
    return spec.gamma**passed


def _exponential(spec: Exponential, step: int, length: TrainingLength) -> float:
    """Decay by ``gamma`` after each epoch."""
    return spec.gamma ** (step // length.steps_per_epoch)


def _cosine(spec: Cosine, step: int, length: TrainingLength) -> float:
    """Fall in half a cosine (arXiv:1608.03983, without restarts)."""
    done, steps = _after_warmup(spec, step, length)
    return _half_cosine(1.0, spec.min_factor, done / steps)


def _polynomial(spec: Polynomial, step: int, length: TrainingLength) -> float:
    """Fall as a power of what is left (arXiv:1606.00915)."""
    done, steps = _after_warmup(spec, step, length)
    return _line(spec.min_factor, 1.0, (1 - done / steps) ** spec.power)


def _after_warmup(spec: Schedule, step: int, length: TrainingLength) -> tuple[float, float]:
    """Return the updates done since the warm-up, and how many there are in all."""
    warmup_steps = min(length.to_steps(spec.warmup_epochs), length.total_steps)
    steps = length.total_steps - warmup_steps
    done = min(max(step - warmup_steps, 0.0), steps)
    return done, max(steps, 1.0)


def _onecycle(spec: OneCycle, step: int, length: TrainingLength) -> float:
    """Rise to the peak, then fall far below the start (arXiv:1708.07120)."""
    is_rising, progress = _onecycle_phase(spec, step, length)
    anneal = _anneal_of(spec)
    low = 1 / spec.div_factor
    if is_rising:
        return anneal(low, 1.0, progress)
    return anneal(1.0, low / spec.final_div_factor, progress)


def _onecycle_phase(spec: OneCycle, step: int, length: TrainingLength) -> tuple[bool, float]:
    """Return whether the rate is still rising, and the share of that phase which is done."""
    done, steps = _after_warmup(spec, step, length)
    peak = max(spec.pct_start * steps - 1, 0.0)
    if done < peak:
        return True, done / peak
    falling_steps = max(steps - 1 - peak, 1.0)
    return False, min((done - peak) / falling_steps, 1.0)


def _anneal_of(spec: OneCycle) -> Callable[[float, float, float], float]:
    return _half_cosine if spec.anneal == "cosine" else _line


def _triangular(spec: Triangular, step: int, length: TrainingLength) -> float:
    """Rise and fall in straight lines, again and again (arXiv:1506.01186)."""
    position = step / length.to_period(spec.period_epochs) % 1
    height = 1 - abs(2 * position - 1)
    return _line(spec.min_factor, 1.0, height)


def _restarts(spec: Restarts, step: int, length: TrainingLength) -> float:
    """Fall in half a cosine and begin again, each time for longer (arXiv:1608.03983)."""
    done = float(step)
    period = length.to_period(spec.period_epochs)
    if spec.period_factor == 1:
        done %= period
    while done >= period:
        done -= period
        period *= spec.period_factor
    return _half_cosine(1.0, spec.min_factor, done / period)


def _own(spec: OwnSchedule, step: int, length: TrainingLength) -> float:
    factor = own_function(spec.name, ("step", "steps"), spec.options)(step, length.total_steps)
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not isfinite(factor):
        raise part_failure(spec.name, f"must return a finite number; found {factor!r:.60}")
    return float(factor)


_CURVES: dict[type[Schedule], Callable[[Any, int, TrainingLength], float]] = {
    ConstantSchedule: _constant,
    Step: _step,
    MultiStep: _multistep,
    Exponential: _exponential,
    Cosine: _cosine,
    OneCycle: _onecycle,
    Polynomial: _polynomial,
    Triangular: _triangular,
    Restarts: _restarts,
    Plateau: _constant,  # see metric_factors
    Switch: _constant,
    OwnSchedule: _own,
}
