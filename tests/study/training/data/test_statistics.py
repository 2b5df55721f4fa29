"""A node counts the statistics of many images once; of few, each training for itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from study.training.data import node_cache, statistics
from study.training.data.normalize import Normalization, channel_statistics
from study.training.data.statistics import node_statistics


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images were counted, each time; the node's cache is an empty folder."""
    found: list[int] = []

    def count(images: Tensor) -> Normalization:
        found.append(len(images))
        return channel_statistics(images)

    monkeypatch.setattr(statistics, "channel_statistics", count)
    monkeypatch.setattr(node_cache.tempfile, "gettempdir", lambda: str(tmp_path))
    return found


IMAGES = torch.arange(4 * 3 * 5 * 5, dtype=torch.uint8).view(4, 3, 5, 5)


def ask(indices: list[int], fingerprint: str = "these") -> Normalization:
    return node_statistics(IMAGES[indices], fingerprint, torch.tensor(indices))


def test_many_images_are_counted_once_a_node_and_to_the_last_bit(
    counted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "_FEWEST_SHARED", 1)
    first, again = ask([0, 1, 2]), ask([0, 1, 2])
    exact = channel_statistics(IMAGES[:3])
    assert counted == [3]
    for found in (first, again):
        assert torch.equal(found.mean, exact.mean)
        assert torch.equal(found.std, exact.std)
    ask([0, 1])
    ask([0, 1, 2], fingerprint="others")
    assert counted == [3, 2, 3]


def test_few_images_leave_nothing_behind(counted: list[int], tmp_path: Path) -> None:
    ask([0, 1])
    ask([0, 1])
    assert counted == [2, 2]
    assert list(tmp_path.iterdir()) == []
