"""torch's map-style sets are trained on as tensors are, and checked before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from study.training.data.datasets import DataSet, load_data_set
from study.training.data.own import factory, map_style
from study.training.recipe.recipe import Recipe
from study.training.recipe.sections import Data
from study.training.runtime.failures import TrainingFailure
from study.training.runtime.reading import Reading

from ...conftest import timeless, trained
from ...test_resume import assert_resumes

NAME = "study.training.data.own.factory:made"


class Items(Dataset[tuple[Any, int]]):
    """Twenty images of one kind; ``made_of`` makes an item of pixels (C, H, W)."""

    def __init__(self, made_of: Callable[[Tensor], Any] = lambda pixels: pixels) -> None:
        draw = torch.Generator().manual_seed(0)
        self.pixels = torch.randint(0, 256, (20, 3, 6, 5), dtype=torch.uint8, generator=draw)
        self.made_of = made_of
        self.reads = 0

    def __len__(self) -> int:
        return 20

    def __getitem__(self, place: int) -> tuple[Any, int]:
        self.reads += 1
        return self.made_of(self.pixels[place]), place % 2


class Named(Items):
    classes = ("even", "odd")
    targets = tuple(place % 2 for place in range(20))


def picture(pixels: Tensor) -> Image.Image:
    return Image.fromarray(pixels.permute(1, 2, 0).numpy())


def wide(pixels: Tensor) -> Image.Image:
    """A black picture with a white square in its middle."""
    drawn = Image.new("RGB", (12, 4))
    drawn.paste("white", (4, 0, 8, 4))
    return drawn


@pytest.fixture(autouse=True)
def own_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., DataSet]:
    def load(made: Any, run: str = "", **options: Any) -> DataSet:
        monkeypatch.setattr(factory, "made", lambda data, folder: made, raising=False)
        spec = Data.model_validate({"name": NAME, **options})
        return load_data_set(spec, tmp_path, Reading(run=run))

    return load


@pytest.mark.parametrize("kind", [lambda pixels: pixels, picture, lambda pixels: pixels.numpy()])
def test_tensors_arrays_and_pictures_are_images(
    kind: Callable[[Tensor], Any], loaded: Callable[..., DataSet]
) -> None:
    data = loaded(Items(kind))
    assert isinstance(data.train_images, Tensor)
    assert torch.equal(data.train_images, Items().pixels)
    assert data.train_labels.tolist() == [0, 1] * 10
    assert (data.classes, data.names, len(data.test_labels)) == (2, ["0", "1"], 0)


def test_parts_and_class_names_are_taken(loaded: Callable[..., DataSet]) -> None:
    whole = Named()
    parts = {"train": Subset(whole, range(10)), "validation": Subset(whole, [11, 12])}
    data = loaded({**parts, "test": Subset(whole, [13])}, loader={"name": "host"})
    assert data.names == ["even", "odd"]
    assert data.validation_labels is not None
    assert data.validation_labels.tolist() == [1, 0]
    assert data.test_labels.tolist() == [1]
    assert not isinstance(data.test_images, Tensor)
    assert torch.equal(data.test_images.read(0)[0], whole.pixels[13])


def test_pictures_are_resized_and_brought_to_gray(loaded: Callable[..., DataSet]) -> None:
    data = loaded(Items(picture), image_size=9, channels=1)
    assert data.image_shape == (1, 9, 9)
    wanted = np.asarray(picture(Items().pixels[3]).convert("L").resize((9, 9), 3))
    assert isinstance(data.train_images, Tensor)
    assert np.array_equal(data.train_images[3, 0].numpy(), wanted)
    cut = loaded(Items(wide), image_size=4, fit="crop").train_images
    assert isinstance(cut, Tensor)
    assert set(cut.flatten().tolist()) == {255}


def channels_last(pixels: Tensor) -> Tensor:
    return pixels.permute(1, 2, 0)


class Random(Items):
    def __getitem__(self, place: int) -> tuple[Any, int]:
        return torch.rand(3, 6, 5), 0


class Mistaken(Named):
    targets = tuple(1 - place % 2 for place in range(20))


class Endless(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter(Items())


LABELS = torch.arange(20) % 2
REFUSED: dict[str, tuple[Any, str]] = {
    "channels last": (Items(channels_last), "looks like .N, H, W, C."),
    "floats beyond 1": (Items(lambda pixels: pixels.float()), "found floats from 0 to 255"),
    "integers": (
        Items(lambda pixels: pixels.int()),
        r"uint8 or float in \[0, 1\]; found torch.int",
    ),
    "random items": (Random(), "the same item each time; found another: leave random transforms"),
    "wrong targets": (Mistaken(), "labels of its targets; found 0 instead of 1 at 0"),
    "texts as labels": (TensorDataset(Items().pixels), "pairs of an image and a label"),
    "no labels": ([1, 2], "must return a DataSet, a map-style torch Dataset, or a mapping"),
    "endless": (Endless(), "must return .* found"),
    "unknown part": ({"train": Items(), "val": Items()}, "found a mapping of train: Items, val"),
    "one class": (TensorDataset(Items().pixels, LABELS * 0), "classes must be .* least 2; found 1"),
    "negative": (TensorDataset(Items().pixels, LABELS - 1), "labels from -1 to 0|classes must be"),
    "dicts": (Items(lambda pixels: {"pixels": pixels}), r"tensors \(C, H, W\); found dict"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_set_of_images_is_told_in_a_sentence(
    kind: str, loaded: Callable[..., DataSet]
) -> None:
    made, said = REFUSED[kind]
    with pytest.raises(TrainingFailure, match=said) as caught:
        loaded(made)
    assert caught.value.failure_class == "invalid"
    assert caught.value.message.startswith("data.name: ")


def test_a_run_reads_a_small_set_once_and_another_run_again(loaded: Callable[..., DataSet]) -> None:
    items = Named()
    first = loaded(items, run="first")
    reads = items.reads
    again = loaded(items, run="first")
    assert items.reads == reads
    assert isinstance(first.train_images, Tensor)
    assert isinstance(again.train_images, Tensor)
    assert torch.equal(first.train_images, again.train_images)
    assert again.fingerprint == first.fingerprint
    assert again.names == first.names
    loaded(items, run="second")
    assert items.reads > reads


def test_a_set_that_is_read_as_it_comes_is_there_for_each_process(
    loaded: Callable[..., DataSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(factory, "RESIDENT_BYTES", 100)
    for _ in range(2):
        assert isinstance(loaded(Named(), run="one").train_images, map_style.MapImages)


def test_an_item_that_cannot_be_read_is_named(loaded: Callable[..., DataSet]) -> None:
    data = loaded(Named(), loader={"name": "host"})
    assert isinstance(data.train_images, map_style.MapImages)

    def broken(pixels: Tensor) -> Tensor:
        raise OSError("the disk is gone")

    items: Any = data.train_images.items
    items.made_of = broken
    with pytest.raises(map_style.BrokenImage, match="item 3: OSError: the disk is gone"):
        data.train_images.read(3)


def test_a_training_on_it_goes_on_bit_for_bit(
    tiny: Callable[..., Recipe], loaded: Callable[..., DataSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.training.data.host_loader._available_processors", lambda: 2)
    loaded({"train": Named(), "test": Named()})  # which is what the factory makes from now on
    data = {"name": NAME, "batch_size": 6, "train_images": None, "test_images": None}
    by_processes = tiny(data={**data, "loader": {"name": "host", "workers": 2}})
    assert_resumes(by_processes, after=1)
    by_itself = tiny(data={**data, "loader": {"name": "host"}})
    assert timeless(trained(by_processes)[0]) == timeless(trained(by_itself)[0])
