"""The built-in classifier, written once more by its parts, gives the same numbers bit for bit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from study import training
from study.training.own.run import train_function
from study.training.own.surroundings import OwnRow
from study.training.recipe.recipe import Recipe, merge
from study.training.runtime.failures import Stopped

from ..conftest import TINY, Memory, trained

FIGURES = ("train_loss", "train_accuracy", "gradient_norm", "val_loss", "val_accuracy", "val_f1")
RECIPES: dict[str, dict[str, Any]] = {
    "as it stands": {},
    "another seed": {"seed": 3},
    "network": {"model": {"name": "small_cnn", "width": 0.5, "dropout": 0.1}, "epochs": 2},
    "optimizer": {
        "optimizer": {"name": "adamw", "lr": 0.003},
        "schedule": {"name": "cosine", "warmup_epochs": 1},
        "clip": {"name": "norm", "limit": 0.5},
    },
    "accumulation": {"accumulation": 4, "precision": "bf16"},
    "metric": {"schedule": {"name": "plateau", "patience": 0}, "epochs": 4},
}


@pytest.fixture(autouse=True)
def functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.delitem(sys.modules, "classifier_by_parts", raising=False)


def by_parts(recipe: Recipe, stop_at: int = 0, **options: Any) -> list[OwnRow]:
    config = recipe.model_dump(mode="json")
    seed = config.pop("seed")
    rows: list[OwnRow] = []

    def report(row: OwnRow) -> bool:
        rows.append(row)
        return row["epoch"] != stop_at

    train_function("classifier_by_parts:train", config, seed=seed, report=report, **options)
    return rows


def figures(rows: Any) -> list[dict[str, Any]]:
    return [{name: row[name] for name in FIGURES} for row in rows]


@pytest.mark.parametrize("change", RECIPES.values(), ids=RECIPES)
def test_a_classifier_by_its_parts_is_the_built_in_one_bit_for_bit(change: dict[str, Any]) -> None:
    recipe = Recipe.model_validate(merge(TINY, change))
    rows, _ = trained(recipe)
    assert figures(by_parts(recipe)) == figures(rows)


def test_it_is_so_where_it_goes_on_from_a_state_too() -> None:
    recipe = Recipe.model_validate(merge(TINY, RECIPES["optimizer"]))
    rows, _ = trained(recipe)
    store = Memory()
    with pytest.raises(Stopped):
        by_parts(recipe, stop_at=1, checkpoint=store)
    torch.manual_seed(99)
    assert figures(by_parts(recipe, checkpoint=store, reported=1)) == figures(rows[1:])


def test_every_public_part_is_there() -> None:
    assert all(getattr(training, name).__name__ == name for name in training.__all__)
