"""The pretended GPU itself: mistakes that a real one refuses are refused, and waits are seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from study.training import metrics
from study.training.data import augment, subset
from study.training.optim.divergence import DivergenceWatch
from study.training.runtime.failures import TrainingFailure

from .pretended import pretended_gpu
from .trainings import recipe, trained_on_gpu

MIXED = "Expected all tensors to be on the same device"


def test_tensors_say_where_they_are_pretended_to_be() -> None:
    with pretended_gpu() as ledger:
        there = torch.zeros(3, device="cuda")
        assert there.is_cuda
        assert there.device == torch.device("cuda", 0)
        assert there[1:].reshape(2, 1).is_cuda, "a view is where its storage is"
        assert (there + 1).is_cuda
        assert not there.cpu().is_cuda
        assert there.to(torch.float64).is_cuda
        assert torch.ones(2).to(there).is_cuda
        assert not torch.zeros(3).is_cuda
        before = ledger.traffic.copy()
        assert float(there.sum()) == 0
        assert there.tolist() == [0, 0, 0]
        assert sum(ledger.traffic.since(before).waits().values()) == 2
        with pytest.raises(TypeError, match="convert cuda:0"):
            there.numpy()
    assert not torch.zeros(3).is_cuda


def test_what_lies_on_two_devices_is_refused_and_numbers_are_let_in() -> None:
    with pretended_gpu():
        there, here = torch.ones(3, device="cuda"), torch.ones(3)
        assert (there * torch.tensor(2.0)).is_cuda
        for mix in (
            lambda: there + here,
            lambda: here.add_(there),
            lambda: torch.cat([there, here]),
        ):
            with pytest.raises(RuntimeError, match=MIXED):
                mix()
        with pytest.raises(RuntimeError, match="generator"):
            torch.rand(3, device="cuda", generator=torch.Generator())


def test_copies_run_ahead_from_and_to_pinned_memory_alone() -> None:
    with pretended_gpu() as ledger:
        pinned, pageable = torch.ones(3).pin_memory(), torch.ones(3)
        before = ledger.traffic.copy()
        there = pinned.to("cuda", non_blocking=True)
        torch.empty(3, pin_memory=True).copy_(there, non_blocking=True)
        assert ledger.traffic.since(before).waits() == {}
        assert ledger.traffic.since(before).bytes_moved == 24
        pageable.to("cuda", non_blocking=True)
        pinned.contiguous().clone().to("cuda", non_blocking=True)
        pinned.to("cuda")
        there.to("cpu", non_blocking=True)
        assert sum(ledger.traffic.since(before).waits().values()) == 4


def unaugmented_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers drawn for a batch stay on the host."""
    drawn = subset.Subset.draw_epoch
    stay: Any = lambda self, epoch: drawn(replace(self, labels=self.labels.cpu()), epoch)  # noqa: E731
    monkeypatch.setattr(subset.Subset, "draw_epoch", stay)


def labels_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = subset.Subset.to
    monkeypatch.setattr(
        subset.Subset, "to", lambda self, device: replace(moved(self, device), labels=self.labels)
    )


def normalization_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = subset.Subset.to
    monkeypatch.setattr(
        subset.Subset,
        "to",
        lambda self, device: replace(moved(self, device), normalization=self.normalization),
    )


def predictions_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    added = metrics.RunningMeans.add
    monkeypatch.setattr(
        metrics.RunningMeans,
        "add",
        lambda self, losses, labels, norm, count: added(self, losses, labels.cpu(), norm, count),
    )


@pytest.mark.parametrize(
    "plant",
    [unaugmented_elsewhere, labels_elsewhere, normalization_elsewhere, predictions_elsewhere],
)
def test_a_mistake_planted_in_the_training_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(TrainingFailure, match=MIXED):
        trained_on_gpu(recipe())


def slow_flip(images: Tensor, is_mirrored: Tensor) -> Tensor:
    """Asks the GPU whether there is anything to do."""
    return images.flip(3) if bool(is_mirrored.all()) else images


def test_a_wait_planted_in_a_step_is_seen_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    added = DivergenceWatch.add

    def look_at_once(self: DivergenceWatch, step: int, loss: Tensor) -> None:
        added(self, step, loss)
        self.check()

    monkeypatch.setattr(augment, "_flip", slow_flip)
    monkeypatch.setattr(DivergenceWatch, "add", look_at_once)
    waits = trained_on_gpu(recipe()).step.waits()
    assert len(waits) == 2
    assert {each.line.partition(":")[0] for each in waits} == {
        "data/augment.py",
        "optim/divergence.py",
    }
