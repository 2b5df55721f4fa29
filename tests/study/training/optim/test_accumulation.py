"""Accumulation is a trade of memory for time and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from study.training.optim.accumulation import accumulate_gradients
from study.training.optim.loss import LossFunction
from study.training.optim.precision import MixedPrecision
from study.training.recipe.recipe import Recipe
from study.training.recipe.sections import CrossEntropy

from ..conftest import timeless, trained


class TwoHeads(nn.Module):
    """Without batch norm, whose statistics depend on the micro-batch; with an auxiliary head."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten())
        self.heads = nn.ModuleList([nn.Linear(144, 5), nn.Linear(144, 5)])

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(head(self.body(images)) for head in self.heads)


def gradient_of(
    images: Tensor, labels: Tensor, micro_batch_size: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    model = TwoHeads().double()
    loss = LossFunction(CrossEntropy(label_smoothing=0.1, l1=1e-3, l2=1e-2), model)
    losses = accumulate_gradients(
        model, loss, MixedPrecision("fp32", torch.device("cpu")), images, labels, micro_batch_size
    )
    flat = torch.cat(
        [parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None]
    )
    return flat, losses.total, losses.main, losses.logits


@pytest.mark.parametrize("count", [24, 21, 13])  # 21 and 13: a last partial batch
@pytest.mark.parametrize("parts", [1, 2, 3, 4, 8, 24])
def test_micro_batches_add_up_to_the_large_batch(count: int, parts: int) -> None:
    chance = torch.Generator().manual_seed(1)
    images = torch.randn(count, 1, 8, 8, generator=chance, dtype=torch.float64)
    labels = torch.randint(0, 5, (count,), generator=chance)
    for whole, split in zip(
        gradient_of(images, labels, 24), gradient_of(images, labels, 24 // parts), strict=True
    ):
        torch.testing.assert_close(split, whole, rtol=0, atol=1e-10)


def test_reported_figures_and_schedule_do_not_depend_on_accumulation(
    tiny: Callable[..., Recipe],
) -> None:
    plain = {"model": {"name": "mlp", "dropout": 0.0}, "schedule": "cosine"}
    whole, parts = (timeless(trained(tiny(**plain, accumulation=k))[0]) for k in (1, 4))
    assert [row["lr"] for row in whole] == [row["lr"] for row in parts]
    assert [row["steps"] for row in parts] == [3, 6, 9]
    for one, other in zip(whole, parts, strict=True):
        assert other == pytest.approx(one, rel=1e-3)
