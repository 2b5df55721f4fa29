"""Everything that a recipe can name trains on the pretended GPU: nothing mixes devices, and no step
waits for it, but for what its recipe asks for by name.
"""

from __future__ import annotations

from typing import Any

import pytest

from study.training.recipe.model_catalog import FAMILIES
from study.training.recipe.recipe_paths import fields_of_forms

from .trainings import recipe, trained_on_gpu

OPTIMIZERS = sorted(fields_of_forms("optimizer") or {})
AUGMENTATIONS = sorted(fields_of_forms("data.augment") or {})
OWN = "tests.study.training.own_recipe_parts"
PRECISIONS = ("fp32", "tf32", "bf16", "fp16", "fp16_unscaled")
SIDES = {"vit_b_16": 16, "lenet": 16, "vgg16": 32, "resnet18_two_stage": 32, "whitened_cnn": 9}
WIDTHS: dict[str, dict[str, Any]] = {
    "vit_b_16": {"width": 0.0833, "depth": 1},
    "googlenet": {"width": 0.0625, "aux_heads": True},
    "mlp": {"width": 0.1},
    "small_cnn": {"width": 0.25},
    "resnet": {"width": 0.25, "depth": 8},
}


def assert_no_step_waits(**changes: Any) -> None:
    done = trained_on_gpu(recipe(**changes))
    assert done.rows[0]["epoch"] == 1
    assert done.step.waits() == {}


@pytest.mark.parametrize(
    "number", range(len(FAMILIES)), ids=lambda number: sorted(FAMILIES)[number]
)
def test_every_model_trains_and_no_step_waits(number: int) -> None:
    name = sorted(FAMILIES)[number]
    model = {"name": name, **WIDTHS.get(name, {"width": 0.0625})}
    assert_no_step_waits(
        model=model,
        data={"image_size": SIDES.get(name, 8), "train_images": 33, "batch_size": 10},
        precision=("fp32", "bf16", "tf32")[number % 3],
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_trains_and_no_step_waits(name: str) -> None:
    assert_no_step_waits(optimizer={"name": name}, model={"name": "small_cnn", "width": 0.25})


@pytest.mark.parametrize("clip", ["none", "norm", "value"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_trains_with_every_clip_and_no_step_waits(
    precision: str, clip: str
) -> None:
    assert_no_step_waits(precision=precision, clip=clip, optimizer={"name": "adamw"})


def test_scaled_fp16_reads_once_a_step_with_an_optimizer_that_torch_has_not_fused() -> None:
    done = trained_on_gpu(recipe(precision="fp16", optimizer={"name": "rmsprop"}))
    assert sum(done.step.waits().values()) == 1


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_augmentation_draws_ahead_and_no_step_waits(name: str) -> None:
    assert_no_step_waits(data={"augment": {"name": name}})


@pytest.mark.parametrize("image_size", [None, 12])
def test_a_list_of_augmentations_draws_ahead_and_no_step_waits(image_size: int | None) -> None:
    written = ["random_resized_crop", "crop_flip", "randaugment", "random_erasing", "cutmix"]
    assert_no_step_waits(data={"augment": written, "image_size": image_size}, accumulation=2)


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name.startswith("crop")])
def test_crops_that_reflect_draw_ahead_and_no_step_waits(name: str) -> None:
    assert_no_step_waits(data={"augment": {"name": name, "fill": "reflect"}})


@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
@pytest.mark.parametrize("non_blocking", [False, True])
def test_pinned_batches_stay_pinned_and_no_step_waits(layout: str, non_blocking: bool) -> None:
    loader = {"name": "host", "pin_memory": True, "non_blocking": non_blocking}
    data = {"name": "synthetic", "train_images": 110, "test_images": 24, "batch_size": 32}
    changes = {"data": {**data, "loader": loader}, "execution": {"memory_format": layout}}
    done = trained_on_gpu(recipe(**changes))
    assert done.step.waits() == {}
    assert sorted(each.what for each in done.step.crossings) == ["copy into the GPU, ahead"] * 2


def test_a_host_loader_without_pinned_memory_waits_for_its_copies_alone() -> None:
    done = trained_on_gpu(recipe(data={"loader": {"name": "host"}}))
    assert {each.what for each in done.step.waits()} == {"copy into the GPU"}
    assert sum(done.step.waits().values()) == 2


def test_converging_reads_each_loss_as_it_says() -> None:
    done = trained_on_gpu(recipe(converge={"alpha": 0.01}))
    waits = done.beats[1].since(done.beats[0]).waits()
    assert [(each.line.partition(":")[0], n) for each, n in waits.items()] == [("stopping.py", 1)]


@pytest.mark.parametrize(
    "changes",
    [
        {"accumulation": 4},
        {"loss": {"l1": 1e-4, "l2": 1e-4, "label_smoothing": 0.1}},
        {"schedule": "onecycle"},
        {"execution": {"deterministic": True}},
        {"data": {"normalize": "own", "eval_mirrored": True}},
        {"data": {"validation": "test", "drop_last": True}},
        {"patience": {"metric": "val_loss", "epochs": 3}},
        {"ema": {"decay": 0.9}, "model": {"name": "small_cnn", "width": 0.25}},
        {
            "loss": f"{OWN}:focal_loss",
            "optimizer": {"name": f"{OWN}:plain_adamw", "options": {"lr": 0.01}},
            "schedule": f"{OWN}:half_cosine",
            "data": {"augment": ["flip", f"{OWN}:nothing", "mixup"]},
        },
        {"metrics": ["auroc", "balanced_accuracy", "calibration_error"]},
    ],
    ids=str,
)
def test_everything_else_trains_and_no_step_waits(changes: dict[str, Any]) -> None:
    assert_no_step_waits(**changes)


def test_forty_steps_read_their_losses_without_waiting() -> None:
    done = trained_on_gpu(recipe(data={"train_images": 90, "batch_size": 2}))
    steps = done.beats[38].since(done.beats[1])
    assert steps.waits() == {}
    assert [each.what for each in steps.crossings] == ["copy out of the GPU, ahead"]
