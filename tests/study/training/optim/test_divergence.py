"""The first loss that is no finite number ends a training."""

from __future__ import annotations

import pytest
import torch

from study.training.optim.divergence import DivergenceWatch
from study.training.runtime.failures import TrainingFailure


def test_a_gpus_losses_are_looked_at_now_and_then_and_the_step_is_still_right() -> None:
    watch = DivergenceWatch(torch.device("meta"))
    for step in range(1, 20):
        watch.add(step, torch.tensor(1.0 if step != 7 else float("nan")))
    with pytest.raises(TrainingFailure) as caught:
        watch.check()
    assert caught.value.details == {"step": 7}


def test_a_validation_loss_that_is_no_number_is_diverged_too() -> None:
    watch = DivergenceWatch(torch.device("cpu"))
    watch.check_validation(3, 1.0)
    with pytest.raises(
        TrainingFailure, match="the validation loss became inf after step 4"
    ) as caught:
        watch.check_validation(4, float("inf"))
    assert caught.value.failure_class == "diverged"
