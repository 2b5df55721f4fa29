"""What a training came to as a whole: why it ended, and its figures for the table of trials."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from torch import nn

from study.training.epoch_row import EpochRow
from study.training.optim.precision import MixedPrecision
from study.training.recipe.recipe import Recipe
from study.training.runtime.device import device_name, is_device_shared
from study.training.stopping import StopReason

Summary = Mapping[str, str | int | float | bool | None]
"""A training's figures by column, as ``study.results.columns`` describes them."""


@dataclass(frozen=True)
class Outcome:
    """Why a training ended, and its figures as a whole."""

    stop_reason: StopReason
    summary: Summary


def summarize_training(
    recipe: Recipe,
    model: nn.Module,
    device: torch.device,
    precision: MixedPrecision,
    fingerprint: str,
    history: Sequence[EpochRow],
    test_metrics: Mapping[str, float],
    tested_epoch: int,
) -> Summary:
    """Return the summary of a training whose epochs' rows are ``history``.

    ``test_metrics`` are of the weights of ``tested_epoch``, and empty where the training was
    stopped. The best epoch is the first one of the best validation accuracy.
    """
    parameters = list(model.parameters())
    accuracies = [float(row["val_accuracy"]) for row in history]
    first_seconds, *other_seconds = [float(row["train_seconds"]) for row in history]
    last_row = history[-1]
    scaler = precision.scaler
    return {
        "parameters": sum(parameter.numel() for parameter in parameters),
        "trainable_parameters": sum(
            parameter.numel() for parameter in parameters if parameter.requires_grad
        ),
        **{f"test_{name}": _finite_or_none(value) for name, value in test_metrics.items()},
        "test_epoch": tested_epoch if test_metrics else None,
        "best_epoch": 1 + accuracies.index(max(accuracies)),
        "first_epoch_seconds": first_seconds,
        "steady_epoch_seconds": median(other_seconds) if other_seconds else None,
        "total_seconds": float(last_row["seconds"]),
        "steps": int(last_row["steps"]),
        "skipped_steps": int(last_row["skipped_steps"]),
        "device": device_name(device),
        "torch_threads": torch.get_num_threads(),
        "device_shared": is_device_shared(device),
        "precision_used": precision.effective,
        "loss_scale": scaler.get_scale() if scaler.is_enabled() else None,
        "train_figures": "running mean over the epoch, in training mode",
        "validation": "test" if recipe.data.validation == "test" else "split",
        "data_fingerprint": fingerprint,
    }


def _finite_or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
