"""RandAugment and TrivialAugment: what is drawn is done as torchvision's own does it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from study.training.data.augmentations.policies import (
    OPERATIONS,
    apply_operations,
    draw_operations,
    operations,
)
from study.training.recipe.augmentations import RandAugment, TrivialAugment
from study.training.runtime.torchvision import torchvision

SIDES = (17, 24)
POLICIES = {"randaugment": RandAugment(), "trivialaugment": TrivialAugment()}


def theirs(policy: str) -> Any:
    """torchvision's own transform."""
    import importlib

    assert torchvision
    v2 = importlib.import_module("torchvision.transforms.v2")
    return v2.RandAugment() if policy == "randaugment" else v2.TrivialAugmentWide()


def images(count: int, dtype: torch.dtype, channels: int = 3) -> Tensor:
    drawn = torch.rand(count, channels, *SIDES, generator=torch.Generator().manual_seed(5))
    return (drawn * 255).to(torch.uint8) if dtype is torch.uint8 else drawn


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_is_changed_as_torchvision_changes_it(
    policy: str, dtype: torch.dtype, channels: int
) -> None:
    spec, transform = POLICIES[policy], theirs(policy)
    drawn = draw_operations(200, SIDES, spec, torch.Generator().manual_seed(1))
    before = images(200, dtype, channels)
    after = apply_operations(before, spec, drawn)
    assert after.dtype == dtype
    known = operations(isinstance(spec, TrivialAugment), SIDES)
    names = set()
    for image, changed, numbers in zip(before, after, drawn.here[:, :-2].tolist(), strict=True):
        expected = image
        for number in numbers:
            name, strength, *_ = known[number]
            names.add(name)
            expected = transform._apply_image_or_video_transform(
                expected, name, strength, interpolation=transform.interpolation, fill={}
            )
        # a batch is blurred by another kernel than an image: floats differ in their last digit
        torch.testing.assert_close(
            changed, expected, rtol=0, atol=2e-7 if dtype.is_floating_point else 0
        )
    assert names == set(OPERATIONS)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_strengths_are_those_of_torchvision(policy: str) -> None:
    transform = theirs(policy)
    known = operations(policy == "trivialaugment", SIDES)
    for index, name in enumerate(OPERATIONS):
        of_name = known[62 * index : 62 * (index + 1)]
        magnitudes, is_signed = transform._AUGMENTATION_SPACE[name]
        values = magnitudes(31, *SIDES)
        found = [each.strength for each in of_name[::2]]
        if values is not None:
            assert found == [float(value) for value in values], name
            turned = [each.strength for each in of_name[1::2]]
            assert turned == ([-value for value in found] if is_signed else found)
    assert tuple(transform._AUGMENTATION_SPACE) == OPERATIONS


def test_operations_are_drawn_alike_often_and_at_the_given_magnitude() -> None:
    drawn = draw_operations(2800, SIDES, RandAugment(magnitude=4), torch.Generator())
    chosen = drawn.here[:, :2].flatten() // 62
    assert int(torch.bincount(chosen, minlength=14).min()) > 300
    assert set((drawn.here[:, :2] % 62 // 2).flatten().tolist()) == {4}
