"""The figures of a training as a whole, for the table of trials."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

import torch
from torch import nn

from study.training.optim.precision import Arithmetic
from study.training.recipe.recipe import Recipe
from study.training.runtime.device import device_name, is_device_shared

Scalar = str | int | float | bool | None
Row = Mapping[str, float | int | str]


def summary_of(
    recipe: Recipe,
    model: nn.Module,
    device: torch.device,
    arithmetic: Arithmetic,
    fingerprint: str,
    history: Sequence[Row],
    test: Mapping[str, float],
    test_epoch: int,
) -> dict[str, Scalar]:
    """``test`` holds the figures with the weights of ``test_epoch``, nothing where the training was
    stopped.

    The best epoch is the first one of the best validation accuracy.
    """
    accuracies = [float(row["val_accuracy"]) for row in history]
    times = [float(row["train_seconds"]) for row in history]
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "trainable_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        **{f"test_{name}": value if math.isfinite(value) else None for name, value in test.items()},
        "test_epoch": test_epoch if test else None,
        "best_epoch": 1 + max(range(len(accuracies)), key=accuracies.__getitem__),
        "first_epoch_seconds": times[0],
        "steady_epoch_seconds": median(times[1:]) if len(times) > 1 else None,
        "total_seconds": float(history[-1]["seconds"]),
        "steps": int(history[-1]["steps"]),
        "skipped_steps": int(history[-1]["skipped_steps"]),
        "device": device_name(device),
        "torch_threads": torch.get_num_threads(),
        "device_shared": is_device_shared(device),
        "precision_used": arithmetic.used,
        "loss_scale": arithmetic.scaler.get_scale() if arithmetic.scaler.is_enabled() else None,
        "train_figures": "running mean over the epoch, in training mode",
        "validation": "test" if recipe.data.validation == "test" else "split",
        "data_fingerprint": fingerprint,
    }
