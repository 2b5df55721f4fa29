"""A second look at validation finds what statistics that lag have cost, and leaves nothing behind."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from study.training import loop
from study.training.models.shared.fresh_statistics import (
    FIGURE,
    deserves_second_look,
    with_fresh_statistics,
)
from study.training.optim.precision import MixedPrecision
from study.training.recipe.recipe import Recipe

from ...conftest import timeless, trained

LAGGING = {
    "model": {"name": "small_cnn", "width": 0.25, "norm_momentum": 0.002, "dropout": 0.3},
    "data": {"name": "digits", "train_images": 1000, "test_images": 20},
    "epochs": 3,
}


def test_lagging_statistics_are_seen_once_and_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = Recipe.model_validate(LAGGING)
    rows, _ = trained(recipe)
    looked = [row for row in rows if FIGURE in row]
    assert len(looked) == 1
    assert float(looked[0][FIGURE]) > float(looked[0]["val_accuracy"]) + 0.3
    monkeypatch.setattr(loop, "deserves_second_look", lambda *_: False)
    plain, _ = trained(recipe)
    for row in rows:
        row.pop(FIGURE, None)
    assert timeless(rows) == timeless(plain)


def test_statistics_that_keep_up_are_not_looked_at(tiny: Callable[..., Recipe]) -> None:
    rows, _ = trained(tiny())
    assert not any(FIGURE in row for row in rows)


def test_fresh_statistics_are_those_that_torch_takes() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5)
    )
    model.append(nn.Linear(4 * 36, 5))
    batches = [(torch.randn(16, 3, 8, 8) + 1, torch.zeros(16)) for _ in range(6)]
    before = copy.deepcopy(model.state_dict())
    norm = model[1]
    looked: list[list[Tensor]] = []

    def look() -> str:
        assert not any(layer.training for layer in model.modules())
        looked.append([norm.running_mean.clone(), norm.running_var.clone()])
        return "seen"

    random = torch.get_rng_state()
    precision = MixedPrecision("fp32", torch.device("cpu"))
    assert with_fresh_statistics(model, precision, lambda: None, batches, look) == "seen"
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(before[name], kept) for name, kept in model.state_dict().items())
    assert norm.momentum == 0.1
    reference = copy.deepcopy(model[:2])
    update_bn([images for images, _ in batches], reference)
    torch.testing.assert_close(looked[0][0], reference[1].running_mean)
    torch.testing.assert_close(looked[0][1], reference[1].running_var)


@pytest.mark.parametrize(
    ("train", "validation", "earlier", "model", "expected"),
    [
        (0.9, 0.5, [], nn.BatchNorm1d(2), True),
        (0.9, 0.8, [], nn.BatchNorm1d(2), False),
        (0.9, 0.5, [{FIGURE: 0.6}], nn.BatchNorm1d(2), False),
        (0.9, 0.5, [{"epoch": 1}], nn.BatchNorm1d(2), True),
        (0.9, 0.5, [], nn.GroupNorm(1, 2), False),
        (0.9, 0.5, [], nn.BatchNorm1d(2, track_running_stats=False), False),
    ],
)
def test_it_takes_a_wide_gap_and_norms_and_no_earlier_look(
    train: float,
    validation: float,
    earlier: list[dict[str, float]],
    model: nn.Module,
    expected: bool,
) -> None:
    row = {"train_accuracy": train, "val_accuracy": validation}
    assert deserves_second_look(row, earlier, model) == expected
