"""What a training reports and comes to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from study.training.recipe.recipe import Recipe

from .conftest import Memory, timeless, trained

COLUMNS = {
    *("epoch", "steps", "lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "val_f1"),
    *("train_seconds", "eval_seconds", "seconds", "images_per_second", "peak_memory_bytes"),
    *("skipped_steps", "gradient_norm", "last"),
}


def test_the_default_recipe_learns_digits() -> None:
    rows, outcome = trained(Recipe())
    assert len(rows) == 10
    assert float(rows[-1]["val_accuracy"]) > 0.95
    assert float(str(outcome.summary["test_accuracy"])) > 0.85


def test_a_row_has_the_columns_of_the_contract(tiny: Callable[..., Recipe]) -> None:
    rows, _ = trained(tiny())
    assert [set(row) ^ COLUMNS for row in rows] == [set()] * 3
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["last"] for row in rows] == [False, False, True]
    assert [row["steps"] for row in rows] == [3, 6, 9]
    assert float(rows[1]["seconds"]) >= float(rows[0]["seconds"]) + float(rows[1]["train_seconds"])


def test_a_training_repeats_bit_for_bit_and_depends_on_its_seed(
    tiny: Callable[..., Recipe],
) -> None:
    first, again, other = (timeless(trained(tiny(seed=seed))[0]) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_epochs_that_are_known_are_repeated_as_they_were(tiny: Callable[..., Recipe]) -> None:
    whole, _ = trained(tiny())
    again: list[Any] = []
    rest, _ = trained(tiny(), reported=2, repeated=again.append)
    assert timeless(again) == timeless(
        [{k: v for k, v in row.items() if k != "last"} for row in whole[:2]]
    )
    assert timeless(rest) == timeless(whole[2:])


def test_each_groups_rate_is_a_column(tiny: Callable[..., Recipe]) -> None:
    parts = sorted({name.split(".")[0] for name in names_of(tiny())})
    rows, _ = trained(tiny(optimizer={"name": "sgd", "lr": 0.1, "lr_factors": {parts[0]: 0.5}}))
    assert rows[0][f"lr.{parts[0]}"] == pytest.approx(0.05)


def names_of(recipe: Recipe) -> list[str]:
    from study.training.models.factory import build_model

    return [name for name, _ in build_model(recipe.model, (1, 8, 8), 10).named_parameters()]


@pytest.mark.parametrize("options", [{"memory_format": "channels_last"}, {"deterministic": True}])
def test_execution_does_not_change_the_arithmetic(options: dict[str, Any]) -> None:
    tree = {
        "data": {"train_images": 100},
        "model": {"name": "small_cnn", "width": 0.25},
        "epochs": 2,
    }
    plain, _ = trained(Recipe.model_validate(tree))
    other, _ = trained(Recipe.model_validate({**tree, "execution": options}))
    assert other[-1]["train_loss"] == pytest.approx(plain[-1]["train_loss"], rel=1e-3)


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning"
)  # torch's compiler uses what torch deprecates
def test_compiled_is_the_same_training_and_its_checkpoints_are_exchangeable(
    tiny: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        torch, "compile", partial(torch.compile, backend="eager")
    )  # traced, without a C++ compiler
    compiled = {"execution": {"mode": "compile"}}
    store = Memory()
    plain, _ = trained(tiny())
    rows, _ = trained(tiny(**compiled), checkpoint=store)
    rest, _ = trained(tiny(), checkpoint=Memory(store.kept, upto=1), reported=1)
    assert timeless(rows) == timeless(plain)
    assert timeless(rest) == timeless(plain[1:])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_loss_falls_on_real_images(cifar: Path, precision: str) -> None:
    tree = {
        "data": {
            "name": "cifar10",
            "train_images": 100,
            "test_images": 20,
            "batch_size": 32,
            "augment": "crop_flip",
        },
        "model": {"name": "small_cnn", "width": 0.25},
        "precision": precision,
        "accumulation": 2,
        "clip": "norm",
        "epochs": 4,
    }
    rows, _ = trained(Recipe.model_validate(tree), data_dir=cifar)
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
