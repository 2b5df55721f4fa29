"""The recipes that are trained in the first hour, by us and by a loop written by hand."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import Any

import torch
from torch.nn import functional

from study.spec.load import load_spec
from study.training.data.datasets import load_data_set
from study.training.loop import train
from study.training.models.factory import build_for_recipe
from study.training.recipe.recipe import Recipe, merge
from study.training.runtime.failures import Stopped
from study.training.runtime.progress import TRAINING, TrainingProgress
from study.training.runtime.randomness import isolated_process_state

DATA_DIR = os.environ.get("STUDY_DATA_DIR")
"""Where CIFAR-10 lies; without it images are synthetic."""
SMALL_IMAGES, SMALL_BATCH = 400, 50
"""On a CPU, where the parts themselves are tried."""


def recipe(model: str, device: str, **changes: Any) -> Recipe:
    """A training of three epochs on images of CIFAR-10's size; on a CPU a bit of it."""
    is_small = device == "cpu"
    tree: dict[str, Any] = {
        "epochs": 3,
        "model": {"name": model},
        "data": {
            "name": "cifar10" if DATA_DIR else "synthetic",
            "batch_size": SMALL_BATCH if is_small else 512,
            "train_images": SMALL_IMAGES if is_small else 20_000,
            "test_images": 100,
            "validation": {"fraction": 0.02},
            "augment": "flip",
            "loader": "device",
        },
        "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9},
        "execution": {"memory_format": "channels_last"},
    }
    if is_small and model in ("resnet18", "whitened_cnn", "googlenet"):
        tree["model"]["width"] = 0.125
    return Recipe.model_validate(merge(tree, changes))


FOUR: dict[str, dict[str, Any]] = {
    "lenet": {"data": {"augment": "none"}},
    "small_cnn": {
        "epochs": 30,
        "data": {"name": "digits", "batch_size": 64, "train_images": 1400},
    },
    "resnet18": {"precision": "bf16"},
    "whitened_cnn": {},
}
"""The networks whose loop is compared with one written by hand, and what is theirs alone."""


def rows_of(given: Recipe, device: str, **options: Any) -> tuple[list[dict[str, Any]], float]:
    """Return a training's rows, and its test accuracy at the end."""
    rows: list[dict[str, Any]] = []
    outcome = train(
        given,
        device=device,
        report=lambda row: rows.append(dict(row)) is None,
        data_dir=DATA_DIR,
        **options,
    )
    return rows, float(outcome.summary["test_accuracy"] or 0.0)


def our_rate(given: Recipe, device: str) -> float:
    """Images a second of the epochs after the first, which warms up."""
    rows, _ = rows_of(given, device)
    return statistics.median(row["images_per_second"] for row in rows[1:])


def rate_by_hand(given: Recipe, device: str) -> float:
    """Images a second of the shortest loop that does the same work on the same images."""
    place = torch.device(device)
    rates = []
    with isolated_process_state(given, place):  # cuDNN's and TF32's switches are ours
        for epoch in islice(_epochs_by_hand(given, place), given.epochs or 3):
            _wait(place)
            began = time.perf_counter()
            images = sum(epoch)
            _wait(place)
            rates.append(images / (time.perf_counter() - began))
    return statistics.median(rates[1:])


def _epochs_by_hand(given: Recipe, place: torch.device) -> Iterator[Iterator[int]]:
    """Give epoch after epoch; each trains a step when it is asked for one, and says how many images
    that was.
    """
    data = load_data_set(given.data, DATA_DIR)
    chosen = torch.randperm(len(data.train_labels))[: given.data.train_images]
    chosen = chosen[: round(0.98 * len(chosen))]
    images = data.train_images[chosen].to(place)
    labels = data.train_labels[chosen].to(place)
    scale = 255 if images.dtype == torch.uint8 else 1
    mean = (images.float() / scale).mean((0, 2, 3), keepdim=True)
    deviation = (images.float() / scale).std((0, 2, 3), keepdim=True)
    network = build_for_recipe(given, data.image_shape, data.classes)
    network = network.to(place, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, fused=True)

    def steps() -> Iterator[int]:
        loss_sum = torch.zeros((), device=place)
        correct = torch.zeros((), device=place, dtype=torch.long)
        for batch in torch.randperm(len(labels), device=place).split(given.data.batch_size):  # type: ignore[no-untyped-call]
            pixels, target = images[batch], labels[batch]
            if given.data.augment.name == "flip":
                is_mirrored = torch.rand(len(batch), 1, 1, 1, device=place) < 0.5
                pixels = torch.where(is_mirrored, pixels.flip(3), pixels)
            pixels = (pixels / scale - mean) / deviation
            pixels = pixels.contiguous(memory_format=torch.channels_last)
            with torch.autocast(place.type, torch.bfloat16, enabled=given.precision == "bf16"):
                logits = network(pixels)
                loss = functional.cross_entropy(logits, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach() * len(batch)
            correct += (logits.argmax(1) == target).sum()
            yield len(batch)
        float(loss_sum), int(correct)

    while True:
        yield steps()


def ratio_in_turn(given: Recipe, pairs: int) -> float:
    """On a CPU: how long a step by hand takes over one of ours, step and step in turn.

    Of both it is the median, in seconds of the processor: what else runs there shows in neither.
    """
    place = torch.device("cpu")
    by_hand = chain.from_iterable(_epochs_by_hand(given, place))
    progress = TrainingProgress()
    ours: list[float] = []
    theirs: list[float] = []
    epoch, began = 0, 0.0

    def heartbeat() -> None:
        nonlocal epoch, began
        now = time.thread_time()
        mark = progress.mark()
        if mark.stage != TRAINING:
            return
        if mark.epoch == epoch:
            ours.append(now - began)
        epoch, began = mark.epoch, time.thread_time()
        next(by_hand)
        theirs.append(time.thread_time() - began)
        if len(ours) == pairs:
            raise Stopped
        began = time.thread_time()

    with suppress(Stopped):
        train(given, report=lambda row: True, heartbeat=heartbeat, progress=progress)
    warm = pairs // 10
    return statistics.median(theirs[warm:]) / statistics.median(ours[warm:])


def _wait(place: torch.device) -> None:
    if place.type == "cuda":
        torch.cuda.synchronize()


def ratio_to_hand(model: str, device: str) -> float:
    """Our loop's rate over that of one by hand."""
    given = recipe(model, device, **FOUR[model])
    if device == "cpu":
        return ratio_in_turn(given, 20)
    pairs = [(our_rate(given, device), rate_by_hand(given, device)) for _ in range(3)]
    return statistics.median(ours / theirs for ours, theirs in pairs)


def fast_recipe(device: str, **changes: Any) -> Recipe:
    """The shipped recipe for CIFAR-10; on a CPU a bit of it."""
    spec = load_spec("cifar10_fast")
    tree = spec.training(spec.first_values(0)).tree(0)
    if device == "cpu":
        few = {"train_images": 300, "test_images": 100, "batch_size": 64}
        tree = merge(tree, {"epochs": 2, "data": few, "model": {"width": 0.125}})
    return Recipe.model_validate(merge(tree, changes))


def wait_checked(device: str, from_step: int, steps: int) -> Callable[[], None]:
    """Return a heartbeat after which, from one step to another, a wait for the GPU is an error."""
    beats: list[int] = []

    def heartbeat() -> None:
        beats.append(1)
        if device == "cuda" and len(beats) == from_step:
            torch.cuda.set_sync_debug_mode("error")
        if device == "cuda" and len(beats) == steps:
            torch.cuda.set_sync_debug_mode("default")

    return heartbeat
