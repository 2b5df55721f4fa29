"""Mixed precision: what it computes in, what it skips, what it says of itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from study.training.optim.accumulation import accumulate_gradients
from study.training.optim.loss import LossFunction
from study.training.optim.precision import MixedPrecision
from study.training.recipe.recipe import Recipe
from study.training.recipe.sections import ClipNorm, ClipValue, CrossEntropy, NoClip

from ..conftest import timeless, trained

CPU = torch.device("cpu")


def step_with(
    arithmetic: MixedPrecision,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scale: float = 1.0,
) -> None:
    images, labels = scale * torch.ones(4, 3), torch.tensor([0, 1, 0, 1])
    accumulate_gradients(model, LossFunction(CrossEntropy(), model), arithmetic, images, labels, 4)
    arithmetic.step(optimizer, NoClip())
    optimizer.zero_grad()


def test_overflow_in_scaled_fp16_is_skipped_and_counted_and_the_scale_falls() -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    arithmetic = MixedPrecision("fp16", CPU)
    before = model.weight.detach().clone()
    step_with(
        arithmetic, model, optimizer, scale=6000.0
    )  # finite in fp16, but 2^16 times its gradient is not
    assert torch.equal(model.weight, before)
    assert arithmetic.skipped_steps == 1
    assert arithmetic.scaler.get_scale() == 2.0**15
    step_with(arithmetic, model, optimizer)
    assert not torch.equal(model.weight, before)
    assert arithmetic.skipped_steps == 1


def test_overflow_without_a_scaler_reaches_the_weights() -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    arithmetic = MixedPrecision("fp16_unscaled", CPU)
    step_with(arithmetic, model, optimizer, scale=1e5)  # more than fp16 holds
    assert not model.weight.isfinite().all()
    assert arithmetic.skipped_steps == 0


def test_skipped_steps_survive_a_resume() -> None:
    arithmetic = MixedPrecision("fp16", CPU)
    model = nn.Linear(3, 2)
    step_with(arithmetic, model, torch.optim.SGD(model.parameters(), lr=0.1), scale=6000.0)
    again = MixedPrecision("fp16", CPU)
    again.load_state_dict(arithmetic.state_dict())
    assert (again.skipped_steps, again.scaler.get_scale()) == (1, 2.0**15)


@pytest.mark.parametrize("precision", ["bf16", "fp16", "fp16_unscaled"])
def test_lower_precision_matches_fp32_within_its_own(
    tiny: Callable[..., Recipe], precision: str
) -> None:
    plain = {"model": {"name": "mlp", "dropout": 0.0}, "optimizer": {"name": "sgd", "lr": 0.05}}
    reference, rows = (trained(tiny(**plain, precision=kind))[0] for kind in ("fp32", precision))
    assert rows[-1]["train_loss"] != reference[-1]["train_loss"]
    for row, exact in zip(rows, reference, strict=True):
        assert row["train_loss"] == pytest.approx(exact["train_loss"], rel=2e-2)
        assert row["val_loss"] == pytest.approx(exact["val_loss"], rel=2e-2)


def test_tf32_is_fp32_on_a_cpu_and_says_so(tiny: Callable[..., Recipe]) -> None:
    (exact, _), (rows, outcome) = trained(tiny()), trained(tiny(precision="tf32"))
    assert timeless(rows) == timeless(exact)
    assert outcome.summary["precision_used"] == "fp32"


@pytest.mark.parametrize("clip", [ClipNorm(limit=0.1), ClipValue(limit=0.01)])
def test_clipping_acts_on_the_unscaled_gradient(clip: ClipNorm | ClipValue) -> None:
    grads = []
    for precision in ("fp32", "fp16"):
        torch.manual_seed(0)
        model = nn.Linear(3, 2)
        arithmetic = MixedPrecision(precision, CPU)
        images = torch.ones(4, 3)
        accumulate_gradients(
            model,
            LossFunction(CrossEntropy(), model),
            arithmetic,
            images,
            torch.tensor([0, 0, 0, 1]),
            4,
        )
        norm = arithmetic.step(torch.optim.SGD(model.parameters(), lr=0.0), clip)
        grads.append(torch.cat([model.weight.grad.flatten(), model.bias.grad]))  # type: ignore[union-attr]
        assert norm > 0.2  # as it was before clipping
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-2, atol=1e-3)
    if isinstance(clip, ClipNorm):
        torch.testing.assert_close(grads[0].norm(), torch.tensor(0.1))
    else:
        assert grads[0].abs().max() <= 0.01
