"""Each length and stop rule ends a training where it should, and says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from study.training import loop
from study.training.recipe.recipe import Recipe
from study.training.stopping import Convergence, StopRules

from .conftest import trained


def converges_at(values: Sequence[float], alpha: float) -> int | None:
    """Knet's rule straight from its formula: the index of the value that triggers it."""
    average, slope = values[0], 0.0
    for index, x in enumerate(values):
        change = x - average
        average = alpha * x + (1 - alpha) * average
        slope = alpha * change + (1 - alpha) * slope
        if slope > 0:
            return index
    return None


@pytest.mark.parametrize("alpha", [0.001, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_converge_is_knets_rule(alpha: float, seed: int) -> None:
    noise = torch.randn(200, generator=torch.Generator().manual_seed(seed)).tolist()
    values = [2 * 0.97**i + 0.02 * noise[i] for i in range(200)]
    convergence = Convergence(alpha)
    found = next((i for i, value in enumerate(values) if convergence.update(value)), None)
    assert found == converges_at(values, alpha)


def test_a_loss_that_only_falls_never_converges() -> None:
    convergence = Convergence(0.1)
    assert not any(convergence.update(1 / (1 + step)) for step in range(1000))


def test_converged_training_stops_after_the_step_that_triggers_it(
    tiny: Callable[..., Recipe],
) -> None:
    recipe = tiny(converge={"alpha": 0.9}, epochs=50, optimizer={"name": "sgd", "lr": 5.0})
    rows, outcome = trained(recipe)
    assert outcome.stop_reason == "converged"
    assert rows[-1]["steps"] < 150


@pytest.mark.parametrize(("steps", "rows"), [(1, 1), (3, 1), (4, 2), (8, 3)])
def test_steps_end_a_training_be_it_within_an_epoch(
    tiny: Callable[..., Recipe], steps: int, rows: int
) -> None:
    reported, outcome = trained(tiny(epochs=None, steps=steps))
    assert (outcome.stop_reason, reported[-1]["steps"], len(reported)) == ("steps", steps, rows)


def test_epochs_end_a_training(tiny: Callable[..., Recipe]) -> None:
    rows, outcome = trained(tiny(epochs=2))
    assert (outcome.stop_reason, [row["epoch"] for row in rows]) == ("epochs", [1, 2])


def test_seconds_end_a_training_within_an_epoch(
    tiny: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr(loop.time, "perf_counter", lambda: float(next(clock)))  # type: ignore[attr-defined]
    rows, outcome = trained(tiny(epochs=None, seconds=4.5))
    assert outcome.stop_reason == "seconds"
    assert rows[-1]["steps"] < 6
    assert float(rows[-1]["seconds"]) >= 4.5


def test_target_ends_a_training_after_the_epoch_that_reaches_it(
    tiny: Callable[..., Recipe],
) -> None:
    full, _ = trained(tiny(epochs=6))
    value = float(full[3]["train_loss"])
    rows, outcome = trained(tiny(epochs=6, target={"metric": "train_loss", "value": value}))
    expected = next(i for i, row in enumerate(full, 1) if float(row["train_loss"]) <= value)
    assert (outcome.stop_reason, len(rows)) == ("target", expected)


def epochs_until_patience(values: Sequence[float], **patience: Any) -> int | None:
    length = StopRules(Recipe.model_validate({"patience": patience, "epochs": 1000}))
    for epoch, value in enumerate(values, 1):
        length.after_epoch(epoch, {str(patience["metric"]): value})
        if length.reason:
            assert length.reason == "patience"
            return epoch
    return None


def test_patience_counts_epochs_without_something_better() -> None:
    losses = [1.0, 0.9, 0.95, 0.9, 0.89, 0.9, 0.9, 0.9]
    assert epochs_until_patience(losses, metric="val_loss", epochs=3) == 8
    assert epochs_until_patience(losses, metric="val_loss", epochs=2) == 4
    assert epochs_until_patience(losses, metric="val_loss", epochs=3, min_delta=0.05) == 5
    assert epochs_until_patience([0.1, 0.2, 0.2, 0.15], metric="val_accuracy", epochs=2) == 4


def test_the_caller_can_stop_a_training_and_the_test_set_is_not_looked_at(
    tiny: Callable[..., Recipe],
) -> None:
    outcome = loop.train(tiny(epochs=5), report=lambda row: int(row["epoch"]) < 2)
    assert outcome.stop_reason == "stopped"
    assert "test_accuracy" not in outcome.summary


def test_a_stop_at_the_last_epoch_does_not_hide_that_it_was_the_last(
    tiny: Callable[..., Recipe],
) -> None:
    outcome = loop.train(tiny(epochs=2), report=lambda row: int(row["epoch"]) < 2)
    assert outcome.stop_reason == "epochs"
    assert "test_accuracy" in outcome.summary
