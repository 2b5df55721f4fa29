"""Stopped after an epoch and gone on with, a training is bit for bit the one that was never
stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from study.files.local_storage import LocalPath
from study.training.checkpoint import Checkpoints
from study.training.loop import train
from study.training.recipe.recipe import Recipe
from study.training.recipe.recipe_paths import fields_of_forms

from .conftest import Memory, timeless, trained

OPTIMIZERS = sorted(fields_of_forms("optimizer") or {})
SCHEDULES: dict[str, dict[str, Any]] = {
    "constant": {"warmup_epochs": 1.5},
    "step": {"every_epochs": 1, "gamma": 0.5},
    "multistep": {"milestones": [0.5, 1.5]},
    "exponential": {"gamma": 0.7},
    "cosine": {"warmup_epochs": 1},
    "onecycle": {"cycle_momentum": True},
    "polynomial": {"power": 2.0},
    "triangular": {"period_epochs": 1.3},
    "cosine_restarts": {"period_epochs": 0.7, "period_factor": 2},
    "plateau": {"metric": "train_loss", "patience": 0, "threshold": 0.9},
    "switch": {"metric": "train_loss", "threshold": 100.0, "lr_after": 0.004},
}
SCHEDULES |= {name: {} for name in fields_of_forms("schedule") or {} if name not in SCHEDULES}
LENGTHS = {
    "epochs": {"epochs": 3},
    "steps": {"epochs": None, "steps": 8},
}  # the eighth step is in the third epoch


def same(one: Any, other: Any) -> bool:
    """Equal to the last bit, whatever is nested in what."""
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one.nan_to_num(), other.nan_to_num())
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def assert_resumes(recipe: Recipe, after: int) -> None:
    whole = Memory()
    rows, outcome = trained(recipe, checkpoint=whole)
    parts = Memory(whole.kept, upto=after)
    rest, again = trained(recipe, checkpoint=parts, reported=after)
    assert timeless(rest) == timeless(rows[after:])
    assert again.stop_reason == outcome.stop_reason
    last, relast = whole.state(len(rows)), parts.state(len(rows))
    for part in ("model", "optimizer", "arithmetic", "learning_rate", "length", "random", "step"):
        assert same(last[part], relast[part]), part
    assert again.summary["test_loss"] == outcome.summary["test_loss"]


def test_every_schedule_is_tried() -> None:
    assert SCHEDULES.keys() == (fields_of_forms("schedule") or {}).keys()


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16", "fp16_unscaled"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_resumed_is_never_stopped_under_every_schedule(
    tiny: Callable[..., Recipe], optimizer: str, precision: str
) -> None:
    place = OPTIMIZERS.index(optimizer)
    for number, (schedule, options) in enumerate(SCHEDULES.items(), start=place):
        recipe = tiny(
            optimizer={"name": optimizer, "lr": 2e-3},
            schedule={"name": schedule, **options},
            precision=precision,
            accumulation=1 + number % 2,
            **list(LENGTHS.values())[number // 2 % 2],
        )
        assert_resumes(recipe, after=1 + number % 2)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("loader", [{"name": "device"}, {"name": "host"}])
@pytest.mark.parametrize("length", LENGTHS)
def test_resumed_convolutions_on_real_images_are_never_stopped(
    cifar: Path, tmp_path: Path, length: str, loader: dict[str, Any], precision: str
) -> None:
    tree = {
        "model": {"name": "small_cnn", "width": 0.25, "dropout": 0.1},
        "data": {
            "name": "cifar10",
            "train_images": 60,
            "test_images": 20,
            "batch_size": 20,
            "loader": loader,
        },
        "data.augment": "crop_flip_cutout",
        "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9},
        "precision": precision,
        **LENGTHS[length],
    }
    recipe = Recipe.model_validate(tree)
    rows, outcome = trained(recipe, data_dir=cifar)
    first = train(
        recipe,
        report=lambda row: False,
        checkpoint=Checkpoints(LocalPath(tmp_path)),
        data_dir=cifar,
    )
    assert first.stop_reason == "stopped"
    rest, again = trained(
        recipe, checkpoint=Checkpoints(LocalPath(tmp_path)), data_dir=cifar, reported=1
    )
    assert timeless(rest) == timeless(rows[1:])
    assert again.summary["test_loss"] == outcome.summary["test_loss"]


@pytest.mark.parametrize("loader", [{"name": "device"}, {"name": "host"}])
def test_resumed_under_a_list_of_augmentations_that_mix_is_never_stopped(
    tiny: Callable[..., Recipe], loader: dict[str, Any]
) -> None:
    written = ["random_resized_crop", "trivialaugment", "random_erasing", "mixup", "cutmix"]
    for accumulation in (1, 2):
        data = {"augment": written, "loader": loader, "image_size": 12}
        assert_resumes(tiny(data=data, accumulation=accumulation), after=1)


def test_rows_the_caller_has_not_seen_are_reported_first(tiny: Callable[..., Recipe]) -> None:
    store = Memory()
    rows, outcome = trained(tiny(), checkpoint=store)
    again, outcome_again = trained(tiny(), checkpoint=store, reported=1)
    assert again == rows[1:]
    assert outcome_again.stop_reason == outcome.stop_reason
    assert outcome_again.summary["total_seconds"] == outcome.summary["total_seconds"]


def test_a_stop_among_rows_reported_late_ends_the_training(tiny: Callable[..., Recipe]) -> None:
    store = Memory()
    trained(tiny(), checkpoint=store)
    outcome = train(
        tiny(epochs=3), report=lambda row: False, checkpoint=Memory(store.kept, upto=2), reported=0
    )
    assert outcome.stop_reason == "stopped"


def test_epochs_that_were_reported_but_lost_are_trained_again_and_not_reported_twice(
    tiny: Callable[..., Recipe],
) -> None:
    store = Memory()
    rows, _ = trained(tiny(), checkpoint=store)
    again, _ = trained(tiny(), checkpoint=Memory(store.kept, upto=1), reported=2)
    assert timeless(again) == timeless(rows[2:])


def test_optimizer_made_anew_each_epoch_forgets_its_moments_and_resumes(
    tiny: Callable[..., Recipe],
) -> None:
    kept = {"name": "adam", "lr": 0.01}
    forgetful = {**kept, "recreate_each_epoch": True}
    first, second = (timeless(trained(tiny(optimizer=spec))[0]) for spec in (kept, forgetful))
    assert first[0] == second[0]
    assert first[1] != second[1]
    assert_resumes(tiny(optimizer=forgetful), after=1)


def test_a_trial_does_not_depend_on_what_ran_before_it_in_the_process(
    tiny: Callable[..., Recipe],
) -> None:
    first, _ = trained(tiny(seed=3))
    trained(tiny(seed=4, precision="bf16", execution={"deterministic": True}))
    torch.rand(7)
    second, _ = trained(tiny(seed=3))
    assert timeless(first) == timeless(second)


def test_torch_is_left_as_it_was_found(tiny: Callable[..., Recipe]) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    trained(tiny(execution={"deterministic": True}, precision="tf32"))
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cuda.matmul.allow_tf32
    assert torch.get_default_dtype() == torch.float32


class Never:
    """A pace by which no state is saved before a training ends."""

    def is_due(self) -> bool:
        return False

    @contextmanager
    def measured(self) -> Iterator[None]:
        yield


def test_a_training_that_was_stopped_between_two_saves_goes_on_another_time(
    tiny: Callable[..., Recipe],
) -> None:
    recipe = tiny(epochs=4)
    rows, outcome = trained(recipe)
    memory = Memory()
    stopped = train(
        recipe, report=lambda row: int(row["epoch"]) < 2, checkpoint=memory, pace=Never()
    )
    assert stopped.stop_reason == "stopped"
    rest, again = trained(recipe, checkpoint=memory, reported=2)
    assert timeless(rest) == timeless(rows[2:])
    assert again.stop_reason == outcome.stop_reason == "epochs"
