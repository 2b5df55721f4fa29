"""ViT-B/16 has its published size and takes square images alone."""

from __future__ import annotations

import pytest

from study.errors import UserError
from study.training.models.layers import ImageShape

from .conftest import IMAGENET, count_parameters, make


@pytest.mark.parametrize(
    ("options", "shape", "classes", "published"),
    [
        ({"name": "vit_b_16"}, IMAGENET, 10, 85_806_346),
        ({"name": "vit_b_16"}, IMAGENET, 100, 85_875_556),
    ],
)
def test_parameters_are_as_many_as_published(
    options: dict[str, object], shape: ImageShape, classes: int, published: int
) -> None:
    assert count_parameters(shape, classes, **options) == published


def test_vit_refuses_sides_that_its_patches_dont_divide() -> None:
    with pytest.raises(UserError, match=r"set data\.image_size"):
        make((3, 28, 28), name="vit_b_16", depth=1)
