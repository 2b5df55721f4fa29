"""MixUp and CutMix: as torchvision's own with the same share and box; drawn by the position."""

from __future__ import annotations

import importlib
import statistics
from typing import Any

import pytest
import torch
from torch import Tensor

from study.training.data.augmentations.mixing import Mixture, draw_mixture
from study.training.recipe.augmentations import CutMix, MixUp
from study.training.runtime.torchvision import torchvision

CLASSES = 5
SIDES = (12, 9)


def v2() -> Any:
    assert torchvision
    return importlib.import_module("torchvision.transforms.v2")


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(8, 3, *SIDES, generator=generator)
    return images, torch.randint(CLASSES, (8,), generator=generator)


@pytest.mark.parametrize("seed", range(10))
def test_mixup_is_torchvisions(seed: int) -> None:
    images, labels = batch()
    mixture = draw_mixture([MixUp(alpha=0.4)], SIDES, seed)
    transform = v2().MixUp(num_classes=CLASSES)
    params = {"lam": mixture.share, "labels": labels, "batch_size": 8}
    assert torch.equal(mixture.images(images), transform.transform(images, params))
    assert torch.equal(mixture.labels(labels, CLASSES), transform.transform(labels, params))


@pytest.mark.parametrize("seed", range(10))
def test_cutmix_is_torchvisions(seed: int) -> None:
    images, labels = batch()
    mixture = draw_mixture([CutMix()], SIDES, seed)
    transform = v2().CutMix(num_classes=CLASSES)
    params = {"box": mixture.box, "lam_adjusted": mixture.share}
    params |= {"labels": labels, "batch_size": 8}
    assert torch.equal(mixture.images(images), transform.transform(images, params))
    assert torch.equal(mixture.labels(labels, CLASSES), transform.transform(labels, params))
    left, top, right, bottom = mixture.box or (0, 0, 0, 0)
    assert mixture.share == pytest.approx(1 - (right - left) * (bottom - top) / (12 * 9))


def test_shares_have_the_beta_distribution_s_spread_and_positions_their_own() -> None:
    shares = [draw_mixture([MixUp(alpha=2.0)], SIDES, number).share for number in range(2000)]
    assert statistics.mean(shares) == pytest.approx(0.5, abs=0.02)
    assert statistics.variance(shares) == pytest.approx(1 / (4 * 5), abs=0.005)
    assert draw_mixture([MixUp()], SIDES, 7) == draw_mixture([MixUp()], SIDES, 7)


def test_of_several_ways_each_batch_takes_one() -> None:
    drawn = [draw_mixture([MixUp(), CutMix()], SIDES, number) for number in range(400)]
    assert 150 < sum(mixture.box is None for mixture in drawn) < 250


def test_a_batch_of_one_image_stays_as_it_is() -> None:
    images, labels = batch()
    mixture = Mixture(0.25, None)
    torch.testing.assert_close(mixture.images(images[:1]), images[:1])
    assert mixture.labels(labels[:1], CLASSES).sum() == 1
