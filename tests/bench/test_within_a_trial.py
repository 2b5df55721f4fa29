"""Training against the usual loop: a DataLoader with transforms image by image; images per second
of processor time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from study.training.data.datasets import DataSet, load_data_set
from study.training.data.loaders import make_loaders
from study.training.loop import train
from study.training.models.factory import build_model
from study.training.recipe.recipe import Recipe, merge
from study.training.runtime.torchvision import torchvision

from .board import Board
from .first_gpu.trainings import FOUR, ratio_in_turn
from .first_gpu.trainings import recipe as first_recipe

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600), pytest.mark.filterwarnings("default")]
DATA_DIR = os.environ.get("STUDY_DATA_DIR")
"""Where CIFAR-10 lies, to measure on real images; synthetic ones of the same size without it."""
IMAGES, BATCH, EPOCHS, LR, MOMENTUM = 4000, 128, 4, 0.05, 0.9
TREE: dict[str, Any] = {
    "epochs": EPOCHS,
    "model": {"name": "small_cnn"},
    "data": {
        "name": "cifar10" if DATA_DIR else "synthetic",
        "batch_size": BATCH,
        "train_images": IMAGES,
        "test_images": 500,
        "augment": {"name": "crop_flip", "pad": 4},
        "loader": "device",
    },
    "optimizer": {"name": "sgd", "lr": LR, "momentum": MOMENTUM},
}


def recipe(**changes: Any) -> Recipe:
    return Recipe.model_validate(TREE | changes)


class Photos(Dataset[tuple[Tensor, int]]):
    """The usual data set: an image at a time, changed by torchvision's transforms as the papers'
    code does.
    """

    def __init__(self, images: Tensor, labels: Tensor, transform: Callable[[Any], Tensor]) -> None:
        self.images, self.labels, self.transform = (
            images.permute(0, 2, 3, 1).contiguous().numpy(),
            labels,
            transform,
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.images[number])), int(self.labels[number])


def usual_batches(data: DataSet, train_images: int) -> DataLoader[tuple[Tensor, Tensor]]:
    transforms = torchvision.transforms
    mean, deviation = (
        np.array(values) for values in ((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.262))
    )
    changed = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(mean.tolist(), deviation.tolist()),
        ]
    )
    photos = Photos(data.train_images[:train_images], data.train_labels[:train_images], changed)
    return DataLoader(photos, batch_size=BATCH, shuffle=True)


def usual_training(data: DataSet, given: Recipe) -> tuple[float, int]:
    """Training accuracy in the last epoch and the images trained on, of a loop as it is written
    everywhere.
    """
    torch.manual_seed(0)
    batches = usual_batches(data, round(IMAGES * 0.9))
    model = build_model(given.model, data.image_shape, data.classes)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM)
    seen = right = 0
    for _ in range(EPOCHS):
        right = 0
        for images, labels in batches:
            logits = model(images)
            loss = nn.functional.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen += len(labels)
            right += int((logits.argmax(1) == labels).sum())
    return right / len(batches.dataset), seen  # type: ignore[arg-type]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def our_training(given: Recipe) -> tuple[float, float, int]:
    """Processor seconds of training alone, training accuracy in the last epoch, and the images
    trained on.
    """
    rows: list[dict[str, Any]] = []

    def report(row: Any) -> bool:
        rows.append(row)
        return True

    began = time.process_time()
    train(given, report=report, data_dir=DATA_DIR)
    spent = time.process_time() - began
    share = sum(row["train_seconds"] for row in rows) / max(row["seconds"] for row in rows)
    return spent * share, rows[-1]["train_accuracy"], EPOCHS * round(IMAGES * 0.9)


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_the_data_path_alone(board: Board) -> None:
    given = recipe()
    data = load_data_set(given.data, DATA_DIR)
    ours, theirs = (
        make_loaders(given, data, torch.device("cpu")).train,
        usual_batches(data, round(IMAGES * 0.9)),
    )
    spent = [0.0, 0.0]
    for epoch in range(1, 4):
        for place, batches in enumerate((ours.epoch(epoch), iter(theirs))):
            seconds, count = timed(lambda b=batches: sum(len(labels) for _, labels in b))  # type: ignore[misc]
            assert count == round(IMAGES * 0.9)
            spent[place] += seconds
    rate = 3 * round(IMAGES * 0.9) / spent[0]
    board.at_least(
        f"the data path alone: {rate:,.0f} images a second, over PIL's", spent[1] / spent[0], 7, "×"
    )


def test_a_whole_training(board: Board) -> None:
    plain = recipe()
    fast = recipe(execution={"memory_format": "channels_last"})
    half = recipe(execution={"memory_format": "channels_last"}, precision="bf16")
    data = load_data_set(plain.data, DATA_DIR)
    usual_training(data, plain)
    theirs = [timed(lambda: usual_training(data, plain))]
    ours = {"fp32": our_training(fast), "bf16": our_training(half)}
    theirs.append(timed(lambda: usual_training(data, plain)))
    seconds = sum(each for each, _ in theirs) / len(theirs)
    accuracy, images = theirs[-1][1]
    for precision, goal in (("fp32", 1.3), ("bf16", 2.4)):
        spent, reached, count = ours[precision]
        assert count == images
        assert abs(reached - accuracy) < 0.06, "the same training"
        board.at_least(
            f"images a processor second, channels_last and {precision}, over the usual loop in"
            " fp32",
            seconds / spent,
            goal,
            "×",
        )
    board.shown("- the usual loop", f"{images / seconds:,.0f} images a second")


@pytest.mark.parametrize("model", list(FOUR))
def test_a_step_over_one_by_hand(model: str, board: Board) -> None:
    whole = {"resnet18": {"width": 1}, "whitened_cnn": {"width": 0.5}}
    changes = {"epochs": 200, "data": {"train_images": 1100}}
    if model in whole:
        changes["model"] = whole[model]
    given = Recipe.model_validate(
        merge(first_recipe(model, "cpu", **FOUR[model]).model_dump(mode="json"), changes)
    )
    pairs = 30 if model in whole else 300
    board.at_least(
        f"a step of {model}, {given.data.batch_size} images: one by hand takes",
        ratio_in_turn(given, pairs),
        0.97,
        "x",
    )
