"""What a network sees: pixels in [0, 1], resized and normalized."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from study.training.data.normalize import channel_statistics, make_normalization, resize
from study.training.runtime import torchvision as vision  # noqa: F401


def images(count: int = 16, side: int = 8) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(9))


def test_resizing_is_torchvisions_bicubic() -> None:
    ours = resize(images(), 20)
    from torchvision.transforms.v2.functional import InterpolationMode  # noqa: TID251  after the remedy
    from torchvision.transforms.v2.functional import resize as vision_resize  # noqa: TID251  after the remedy

    theirs = vision_resize(images(), [20, 20], interpolation=InterpolationMode.BICUBIC)
    torch.testing.assert_close(ours, theirs.clamp(0, 1))
    assert resize(images(), 8) is not None


@pytest.mark.parametrize("sides", [(30, 41), (57, 19), (8, 300), (20, 20)])
def test_what_is_cut_out_is_what_torchvision_cuts_out(sides: tuple[int, int]) -> None:
    from torchvision.transforms.v2 import CenterCrop, Compose, InterpolationMode, Resize  # noqa: TID251  after the remedy

    pictures = torch.rand(2, 3, *sides, generator=torch.Generator().manual_seed(0))
    wanted = Compose([Resize(20, InterpolationMode.BICUBIC), CenterCrop(20)])(pictures)
    torch.testing.assert_close(resize(pictures, 20, "crop"), wanted.clamp(0, 1))


def test_statistics_are_those_of_the_pixels() -> None:
    floats = images(100)
    stored = (floats * 255).round().to(torch.uint8)
    for kind, reference in ((floats, floats), (stored, stored.float() / 255)):
        found = channel_statistics(kind)
        torch.testing.assert_close(
            found.mean.flatten(), reference.mean((0, 2, 3)), atol=1e-6, rtol=0
        )
        torch.testing.assert_close(
            found.std.flatten(), reference.std((0, 2, 3), correction=0), atol=1e-6, rtol=0
        )


def test_normalization_takes_the_statistics_it_names() -> None:
    own, training = images(10), images(20) / 2
    for kind, source in (("own", own), ("dataset", training)):
        found = make_normalization(kind, own, training)
        assert torch.equal(found.mean, channel_statistics(source).mean)
    assert torch.equal(make_normalization("none", own, training)(own), own)
    imagenet = make_normalization("imagenet", own, training).mean.flatten().tolist()
    assert imagenet == pytest.approx([0.485, 0.456, 0.406])


def test_gray_images_are_normalized_by_the_mean_of_imagenets_channels() -> None:
    gray = images()[:, :1]
    found = make_normalization("imagenet", gray, gray)(gray)
    assert found.shape == gray.shape
    torch.testing.assert_close(found, (gray - (0.485 + 0.456 + 0.406) / 3) / (0.678 / 3))
