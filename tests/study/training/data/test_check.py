"""A data set that isn't as trainings take it is told in the words of its maker."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from study.training.data.check import data_set_faults

IMAGES = torch.zeros(8, 3, 16, 16, dtype=torch.uint8)
LABELS = torch.arange(8) % 4
BRIGHT_AT_ITS_END = torch.cat([torch.zeros(300, 3, 4, 4), torch.full((1, 3, 4, 4), 255.0)])


def faults(**changes: Any) -> list[str]:
    found = {"images": IMAGES, "labels": LABELS, "classes": 4} | changes
    parts = {"train": (found["images"], found["labels"]), "test": (IMAGES, LABELS)}
    return list(data_set_faults(found["classes"], parts))


def test_a_sound_data_set_has_no_fault() -> None:
    assert faults() == []
    assert faults(images=torch.rand(8, 3, 16, 16)) == []


def test_what_is_wrong_with_both_parts_is_told_once() -> None:
    turned = torch.zeros(8, 12, 12, 3)
    parts = {"train": (turned, LABELS), "test": (turned, LABELS)}
    [told] = data_set_faults(4, parts)
    assert told.startswith("train_images must be (N, C, H, W)")


@pytest.mark.parametrize("shape", [(12, 1000, 1), (3, 3, 3), (3, 4, 3), (16, 5, 5), (1, 4, 1)])
def test_images_of_an_unusual_shape_are_images(shape: tuple[int, int, int]) -> None:
    images = torch.zeros(8, *shape)
    parts = {"train": (images, LABELS), "test": (images, LABELS)}
    assert list(data_set_faults(4, parts)) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"classes": 1}, "classes must be a number of at least 2; found 1"),
        ({"images": [1]}, "train_images must be a torch.Tensor; found list"),
        ({"images": IMAGES[:, 0]}, "found shape (8, 16, 16)"),
        ({"images": torch.zeros(8, 32, 32, 3)}, "looks like (N, H, W, C)"),
        (
            {"images": torch.zeros(8, 12, 12, 3)},
            "looks like (N, H, W, C): .permute(0, 3, 1, 2) brings the channels",
        ),
        (
            {"images": torch.zeros(8, 9, 12, 4)},
            "looks like (N, H, W, C): .permute(0, 3, 1, 2) brings the channels",
        ),
        (
            {"images": torch.zeros(8, 8, 8, 1)},
            "looks like (N, H, W, C): .permute(0, 3, 1, 2) brings the channels",
        ),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "found shape (0, 3, 16, 16)"),
        ({"images": IMAGES.int()}, "must be uint8 or float in [0, 1]; found torch.int32"),
        ({"images": IMAGES - 1.0}, "found floats from -1 to -1"),
        ({"images": IMAGES * float("nan")}, "found floats from nan to nan"),
        ({"images": BRIGHT_AT_ITS_END}, "found floats from 0 to 255"),
        ({"labels": LABELS[:3]}, "must be a label for each of 8 images; found shape (3,)"),
        ({"labels": LABELS.float()}, "train_labels must be int64; found torch.float32"),
        ({"labels": LABELS - 1}, "from 0 to 3, for 4 classes; found labels from -1 to 2"),
        ({"images": torch.zeros(8, 3, 20, 20)}, "must have one shape in training and test set"),
    ],
)
def test_each_fault_says_what_must_hold_and_what_was_found(
    changes: dict[str, Any], fault: str
) -> None:
    assert any(fault in told for told in faults(**changes))
