"""Each network in full width learns from real or made-up images of CIFAR-10 in every precision of
this machine.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from study.training.loop import train
from study.training.recipe.model_catalog import MODEL_NAMES
from study.training.recipe.recipe import Recipe

pytestmark = [pytest.mark.published, pytest.mark.timeout(3600)]

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PRECISIONS = ("fp32", "tf32", "bf16", "fp16") if DEVICE == "cuda" else ("fp32", "bf16")
IMAGES = 32


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", MODEL_NAMES)
def test_loss_falls_in_full_width(name: str, precision: str, data_dir: Path) -> None:
    recipe = Recipe.model_validate(
        {
            "model": (
                {"name": name, "dropout": 0.0}
                | ({"drop_path": 0.0} if name == "efficientnet_b0" else {})
            ),
            "data": {
                "name": "cifar10",
                "batch_size": 16,
                "train_images": IMAGES,
                "test_images": IMAGES,
                "validation": "test",
                "normalize": "dataset",
            },
            "optimizer": {"name": "adam", "lr": 1e-3 if name != "vit_b_16" else 1e-4},
            "precision": precision,
            "epochs": 5,
        }
    )
    losses: list[float] = []

    def report(row: dict[str, float | int | str]) -> bool:
        losses.append(float(row["train_loss"]))
        return True

    train(recipe, device=DEVICE, report=report, data_dir=data_dir)
    assert losses[-1] < losses[0]
