"""Schedules that follow a metric change after an epoch and keep their state."""

from __future__ import annotations

import pytest
import torch
from torch.optim import SGD
from torch.optim import lr_scheduler as theirs

from .conftest import PEAK, learning_rate


@pytest.mark.parametrize("metric", ["val_loss", "val_accuracy"])
def test_plateau_equals_torchs_own_and_resumes_after_any_epoch(metric: str) -> None:
    values = [1.0, 0.9, 0.9, 0.95, 0.91, 0.2, 0.2, 0.2, 0.3, 0.3, 0.3, 0.3, 0.1, 0.4]
    options = {"factor": 0.5, "patience": 1, "threshold": 1e-3, "cooldown": 1}
    optimizer = SGD([torch.zeros(1)], lr=PEAK)
    reference = theirs.ReduceLROnPlateau(
        optimizer, mode="min" if metric == "val_loss" else "max", **options
    )
    schedule = {"name": "plateau", "metric": metric, **options}
    rate = learning_rate(schedule)
    for value in values:
        reference.step(value)
        rate.after_epoch({metric: value})
        resumed = learning_rate(schedule)
        resumed.load_state_dict(rate.state_dict())
        rate = resumed
        assert PEAK * rate.factor(0) == pytest.approx(optimizer.param_groups[0]["lr"])
    assert rate.factor(0) < 1


def test_switch_is_a_one_way_latch_that_keeps_the_optimizer() -> None:
    schedule = {"name": "switch", "metric": "val_accuracy", "threshold": 0.8, "lr_after": 0.1}
    rate = learning_rate(schedule, optimizer={"name": "sgd", "lr": 0.01})
    seen = []
    for accuracy in (0.7, 0.8, 0.81, 0.5, 0.9):
        rate.after_epoch({"val_accuracy": accuracy})
        seen.append(0.01 * rate.factor(0))
    assert seen == pytest.approx([0.01, 0.01, 0.1, 0.1, 0.1])
