"""Random boxes: drawn within their bounds, cut out and blanked as torchvision does it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from study.training.data.augment import augment, change, draw
from study.training.data.augmentations.boxes import draw_crops, draw_erased, erase
from study.training.recipe.augmentations import RandomErasing, RandomResizedCrop
from study.training.runtime.torchvision import v2_functional

SIDES = (20, 30)


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int, dtype: torch.dtype = torch.float32) -> Tensor:
    drawn = torch.rand(count, 3, *SIDES, generator=stream(9))
    return (drawn * 255).to(torch.uint8) if dtype is torch.uint8 else drawn


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_a_crop_is_cut_out_and_resized_as_torchvision_does_it(dtype: torch.dtype) -> None:
    spec, before = RandomResizedCrop(), images(50, dtype)
    after = change(before, spec, draw(spec, 50, SIDES, stream(), (12, 12)))
    boxes = draw_crops(50, SIDES, spec, stream()).tolist()
    expected = [
        v2_functional().resized_crop(image, *box, size=[12, 12], antialias=True)
        for image, box in zip(before, boxes, strict=True)
    ]
    assert after.shape == (50, 3, 12, 12)
    assert torch.equal(after, torch.stack(expected))


def test_crops_have_areas_and_ratios_within_their_bounds() -> None:
    spec = RandomResizedCrop(scale_min=0.2, scale_max=0.6)
    top, left, height, width = draw_crops(2000, (100, 150), spec, stream()).unbind(1)
    share, ratio = height * width / 15_000, width / height
    assert 0.19 < float(share.min()) < 0.25 < 0.55 < float(share.max()) < 0.61
    assert 0.73 < float(ratio.min()) < 0.78 < 1.28 < float(ratio.max()) < 1.37
    assert int(top.min()) == int(left.min()) == 0
    assert int((top + height).max()) == 100
    assert int((left + width).max()) == 150


def test_where_no_box_fits_it_is_the_largest_in_the_middle() -> None:
    spec = RandomResizedCrop(scale_min=1.0, ratio_min=0.5, ratio_max=1.0)
    assert draw_crops(1, (20, 60), spec, stream()).tolist() == [[0, 20, 20, 20]]
    tall = RandomResizedCrop(scale_min=1.0, ratio_min=1.0, ratio_max=2.0)
    assert draw_crops(1, (60, 20), tall, stream()).tolist() == [[20, 0, 20, 20]]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_a_box_is_blanked_as_torchvision_erases_it(dtype: torch.dtype) -> None:
    spec, before = RandomErasing(), images(60, dtype)
    boxes = draw_erased(60, SIDES, spec, stream())
    expected = [
        v2_functional().erase(image, *box, v=torch.zeros(3, 1, 1, dtype=dtype))
        for image, box in zip(before, boxes.tolist(), strict=True)
    ]
    assert torch.equal(erase(before, boxes), torch.stack(expected))
    assert 15 < int((boxes[:, 2] > 0).sum()) < 45
    assert torch.equal(augment(before, spec, stream()), torch.stack(expected))


def test_blanked_boxes_have_areas_and_ratios_within_their_bounds() -> None:
    spec = RandomErasing(probability=1.0)
    _, _, height, width = draw_erased(3000, (200, 200), spec, stream()).unbind(1)
    share, ratio = height * width / 40_000, height / width
    assert 0.018 < float(share.min()) < 0.03 < 0.31 < float(share.max()) < 0.34
    assert 0.28 < float(ratio.min()) < 0.4 < 2.8 < float(ratio.max()) < 3.5
