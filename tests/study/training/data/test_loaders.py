"""Both loaders bring every image once an epoch, in an order that the seed and the epoch fix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from study.training.data.datasets import DataSet, load_data_set
from study.training.data.loaders import Loaders, make_loaders, split_indices
from study.training.recipe.recipe import Recipe
from study.training.runtime.failures import TrainingFailure

CPU = torch.device("cpu")
LOADERS: list[dict[str, Any]] = [{"name": "device"}, {"name": "host"}]


def numbered(count: int = 30) -> DataSet:
    """Images whose every pixel is their number."""
    images = (
        torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 4, 4).contiguous()
    )
    return DataSet(images, torch.arange(count), images[:7], torch.arange(7), count, "numbered")


def loaders_of(tiny: Callable[..., Recipe], **data: Any) -> Loaders:
    plain = {
        "train_images": None,
        "normalize": "none",
        "augment": "none",
        "batch_size": 8,
        "eval_batch_size": 5,
    }
    return make_loaders(tiny(data={**plain, **data}), numbered(), CPU)


@pytest.mark.parametrize("loader", LOADERS)
def test_an_epoch_has_every_training_image_once_with_its_label(
    tiny: Callable[..., Recipe], loader: Any
) -> None:
    loaders = loaders_of(tiny, loader=loader)
    batches = list(loaders.train.epoch(1))
    assert [len(labels) for _, labels in batches] == [8, 8, 8, 3]
    assert len(loaders.train) == 4
    validated = torch.cat([labels for _, labels in loaders.validation.epoch(1)])
    trained = torch.cat([labels for _, labels in batches])
    assert sorted(trained.tolist() + validated.tolist()) == list(range(30))
    for images, labels in batches:
        assert torch.equal((images[:, 0, 0, 0] * 255).round().long(), labels)


@pytest.mark.parametrize("loader", LOADERS)
def test_the_order_changes_from_epoch_to_epoch_and_repeats(
    tiny: Callable[..., Recipe], loader: Any
) -> None:
    orders = [
        [labels.tolist() for _, labels in loaders_of(tiny, loader=loader).train.epoch(e)]
        for e in (1, 2, 1)
    ]
    assert orders[0] == orders[2]
    assert orders[0] != orders[1]


def test_both_loaders_keep_the_same_order(tiny: Callable[..., Recipe]) -> None:
    resident, fetched = (list(loaders_of(tiny, loader=loader).train.epoch(1)) for loader in LOADERS)
    for (images, labels), (same_images, same_labels) in zip(resident, fetched, strict=True):
        assert torch.equal(labels, same_labels)
        torch.testing.assert_close(images, same_images)


@pytest.mark.filterwarnings(
    "ignore:.*fork.*:DeprecationWarning"
)  # DataLoader's workers on Python 3.12 and later
def test_workers_bring_what_one_process_brings(tiny: Callable[..., Recipe]) -> None:
    alone = loaders_of(tiny, loader={"name": "host"}, augment="shift")
    helped = loaders_of(
        tiny, loader={"name": "host", "workers": 2, "non_blocking": True}, augment="shift"
    )
    for epoch in (1, 2):
        for (images, labels), (same_images, same_labels) in zip(
            alone.train.epoch(epoch), helped.train.epoch(epoch), strict=True
        ):
            assert torch.equal(images, same_images)
            assert torch.equal(labels, same_labels)


def test_the_last_partial_batch_can_be_dropped_from_training_alone(
    tiny: Callable[..., Recipe],
) -> None:
    loaders = loaders_of(tiny, drop_last=True)
    assert [len(labels) for _, labels in loaders.train.epoch(1)] == [8, 8, 8]
    assert [len(labels) for _, labels in loaders.test.epoch(1)] == [5, 2]


def test_images_are_laid_out_as_the_recipe_says(tiny: Callable[..., Recipe]) -> None:
    recipe = tiny(
        execution={"memory_format": "channels_last"}, data={"name": "synthetic", "image_size": 16}
    )
    for loader in LOADERS:
        loaders = make_loaders(
            recipe.model_copy(
                update={"data": recipe.data.model_copy(update={"loader": spec(loader)})}
            ),
            load_data_set(recipe.data),
            CPU,
        )
        images, _ = next(iter(loaders.train.epoch(1)))
        assert images.shape[1:] == (3, 16, 16)
        assert images.is_contiguous(memory_format=torch.channels_last)


def spec(loader: dict[str, Any]) -> Any:
    return Recipe.model_validate({"data": {"loader": loader}}).data.loader


def test_the_split_is_the_seeds_and_leaves_no_image_in_both(tiny: Callable[..., Recipe]) -> None:
    data = {"train_images": 20, "validation": {"fraction": 0.25}}
    recipe = tiny(data=data)
    train, validation = split_indices(recipe, 30)
    assert validation is not None
    assert (len(train), len(validation)) == (15, 5)
    assert len({*train.tolist(), *validation.tolist()}) == 20
    again, _ = split_indices(recipe, 30)
    other, other_validation = split_indices(tiny(data=data, seed=recipe.seed + 1), 30)
    assert torch.equal(train, again)
    assert other_validation is not None
    assert {*train.tolist()} != {*other.tolist()}
    assert {*validation.tolist()} != {*other_validation.tolist()}


def test_with_validation_by_test_all_training_images_train(tiny: Callable[..., Recipe]) -> None:
    loaders = loaders_of(tiny, validation="test")
    assert len(torch.cat([labels for _, labels in loaders.train.epoch(1)])) == 30
    assert loaders.validation is loaders.test


def test_the_fingerprint_names_images_counts_and_split(tiny: Callable[..., Recipe]) -> None:
    prints = {
        loaders_of(tiny, **data).fingerprint
        for data in ({}, {"train_images": 20}, {"test_images": 3})
    }
    assert len(prints) == 3


def labels_tested(tiny: Callable[..., Recipe], name: str, **changes: Any) -> list[int]:
    data = {"train_images": None, "normalize": "none", "name": name, "test_images": 3}
    recipe = tiny(data=data | ({"path": "mine"} if name == "folder" else {}), **changes)
    batches = make_loaders(recipe, numbered(), CPU).test.epoch(1)
    return torch.cat([labels for _, labels in batches]).tolist()


def test_of_files_that_come_class_by_class_the_tested_ones_are_drawn_whatever_the_seed(
    tiny: Callable[..., Recipe],
) -> None:
    drawn = labels_tested(tiny, "folder", seed=0)
    assert drawn == sorted(set(drawn)) == labels_tested(tiny, "folder", seed=1)
    assert len(drawn) == 3
    assert drawn != [0, 1, 2] == labels_tested(tiny, "digits")


def test_validation_must_be_of_what_is_there_and_looked_at(tiny: Callable[..., Recipe]) -> None:
    data = numbered()
    plain = {"train_images": None, "normalize": "none", "validation": "test"}
    untested = replace(data, test_images=data.test_images[:0], test_labels=data.test_labels[:0])
    with pytest.raises(TrainingFailure, match=r"^invalid: .* where there is no test set$"):
        make_loaders(tiny(data=plain), untested, CPU)
    given = replace(data, validation_images=data.test_images, validation_labels=data.test_labels)
    with pytest.raises(TrainingFailure, match=r"^invalid: .* validation images of its own$"):
        make_loaders(tiny(data=plain), given, CPU)


@pytest.mark.parametrize("augment", ["randaugment", "trivialaugment", "affine_flip", "crop_flip"])
@pytest.mark.parametrize("loader", LOADERS)
def test_images_of_doubles_are_changed_as_floats(
    tiny: Callable[..., Recipe], loader: Any, augment: str
) -> None:
    data = numbered()
    plain = {"train_images": None, "normalize": "none", "augment": augment, "loader": loader}
    both = [
        replace(data, train_images=(data.train_images / 255).to(kind))
        for kind in (torch.float32, torch.float64)
    ]
    (of_floats, _), (of_doubles, _) = (
        next(iter(make_loaders(tiny(data=plain), each, CPU).train.epoch(1))) for each in both
    )
    assert of_doubles.dtype == torch.float32
    assert torch.equal(of_floats, of_doubles)


def test_gray_images_stay_gray_by_imagenets_statistics(tiny: Callable[..., Recipe]) -> None:
    recipe = tiny(data={"train_images": None, "normalize": "imagenet"})
    images, _ = next(iter(make_loaders(recipe, numbered(), CPU).train.epoch(1)))
    assert images.shape[1:] == (1, 4, 4)
