"""Every schedule equals torch's own, or its closed formula, at every step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import SGD
from torch.optim import lr_scheduler as theirs

from .conftest import PEAK, STEPS, TOTAL, learning_rate


def ours(schedule: dict[str, Any]) -> list[float]:
    rate = learning_rate(schedule)
    return [PEAK * rate.factor(step) for step in range(TOTAL)]


def torch_rates(make: Callable[[SGD], Any], each: int = 1, lr: float = PEAK) -> list[float]:
    """The rate at every step under one of torch's schedulers, which is stepped every ``each``
    updates.
    """
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=lr, momentum=0.9)
    scheduler = make(optimizer)
    rates = []
    for step in range(1, TOTAL + 1):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if step % each == 0 and step < TOTAL:
            scheduler.step()
    return rates


TORCHS: list[tuple[dict[str, Any], Callable[[SGD], Any], int]] = [
    ({"name": "constant"}, lambda o: theirs.ConstantLR(o, factor=1.0), 1),
    (
        {"name": "step", "every_epochs": 2, "gamma": 0.3},
        lambda o: theirs.StepLR(o, 2, gamma=0.3),
        STEPS,
    ),
    (
        {"name": "multistep", "milestones": [1, 4], "gamma": 0.5},
        lambda o: theirs.MultiStepLR(o, [1, 4], gamma=0.5),
        STEPS,
    ),
    ({"name": "exponential", "gamma": 0.8}, lambda o: theirs.ExponentialLR(o, 0.8), STEPS),
    (
        {"name": "cosine", "min_factor": 0.1},
        lambda o: theirs.CosineAnnealingLR(o, TOTAL, eta_min=0.1 * PEAK),
        1,
    ),
    ({"name": "polynomial", "power": 2.0}, lambda o: theirs.PolynomialLR(o, TOTAL, power=2.0), 1),
    ({"name": "onecycle"}, lambda o: theirs.OneCycleLR(o, PEAK, total_steps=TOTAL), 1),
    (
        {
            "name": "onecycle",
            "anneal": "linear",
            "pct_start": 0.45,
            "div_factor": 10,
            "final_div_factor": 100,
        },
        lambda o: theirs.OneCycleLR(
            o,
            PEAK,
            TOTAL,
            pct_start=0.45,
            anneal_strategy="linear",
            div_factor=10,
            final_div_factor=100,
        ),
        1,
    ),
    (
        {"name": "triangular", "period_epochs": 2, "min_factor": 0.25},
        lambda o: theirs.CyclicLR(o, 0.25 * PEAK, PEAK, step_size_up=STEPS),
        1,
    ),
    (
        {"name": "cosine_restarts", "period_epochs": 1, "period_factor": 2, "min_factor": 0.05},
        lambda o: theirs.CosineAnnealingWarmRestarts(o, STEPS, T_mult=2, eta_min=0.05 * PEAK),
        1,
    ),
    (
        {"name": "cosine_restarts", "period_epochs": 2},
        lambda o: theirs.CosineAnnealingWarmRestarts(o, 2 * STEPS),
        1,
    ),
]


@pytest.mark.parametrize(
    ("schedule", "make", "each"), TORCHS, ids=[str(case[0]) for case in TORCHS]
)
def test_schedule_equals_torchs_own_at_every_step(
    schedule: dict[str, Any], make: Callable[[SGD], Any], each: int
) -> None:
    assert ours(schedule) == pytest.approx(torch_rates(make, each), rel=1e-9, abs=1e-12)


def test_warmup_rises_in_equal_parts_and_reaches_the_peak() -> None:
    rates = ours({"name": "constant", "warmup_epochs": 2, "warmup_factor": 0.2})
    expected = [PEAK * (0.2 + 0.8 * (step + 1) / 14) for step in range(14)] + [PEAK] * (TOTAL - 14)
    assert rates == pytest.approx(expected, rel=1e-12)


def test_cosine_spans_what_is_left_after_the_warmup() -> None:
    rates = ours({"name": "cosine", "warmup_epochs": 1})
    left = TOTAL - STEPS
    assert rates[:STEPS] == pytest.approx([PEAK * (step + 1) / STEPS for step in range(STEPS)])
    assert rates[STEPS:] == pytest.approx(
        [PEAK * (1 + math.cos(math.pi * s / left)) / 2 for s in range(left)]
    )


def test_lengths_in_steps_span_a_schedule_too() -> None:
    rate = learning_rate({"name": "polynomial"}, epochs=None, steps=10)
    assert [rate.factor(step) for step in range(10)] == pytest.approx(
        [1 - step / 10 for step in range(10)]
    )


@pytest.mark.parametrize(
    "name", ["cosine", "onecycle", "polynomial", "triangular", "cosine_restarts", "step"]
)
def test_factors_stay_within_0_and_1_for_the_shortest_training(name: str) -> None:
    extreme = {"period_epochs": 1e-9} if name in ("triangular", "cosine_restarts") else {}
    extreme |= {"every_epochs": 1e-9} if name == "step" else {}
    for warmup in (0, 0.5, 3):
        rate = learning_rate(
            {"name": name, "warmup_epochs": warmup, **extreme}, epochs=None, steps=1
        )
        assert all(0 <= rate.factor(step) <= 1 for step in range(4))
