"""Augmentation: each image on its own, within bounds, from the generator that is given."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from study.training.data import augment
from study.training.data.normalize import to_unit_range
from study.training.recipe.recipe import Recipe
from study.training.recipe.recipe_paths import fields_of_forms

MIXING = {"mixup", "cutmix"}  # of whole batches: tests/study/training/data/augmentations
NAMES = sorted(fields_of_forms("data.augment").keys() - MIXING)


def spec(name: str, **options: Any) -> Any:
    return Recipe.model_validate({"data": {"augment": {"name": name, **options}}}).data.augment


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int = 16, side: int = 8) -> Tensor:
    return torch.rand(count, 3, side, side, generator=stream(9))


@pytest.mark.parametrize("name", NAMES)
def test_augmentation_keeps_shape_and_range_and_repeats(name: str) -> None:
    once, again, other = (augment.augment(images(), spec(name), stream(seed)) for seed in (1, 1, 2))
    assert once.shape == (16, 3, 8, 8)
    assert float(once.min()) >= 0
    assert float(once.max()) <= 1
    assert torch.equal(once, again)
    assert torch.equal(once, other) == (name == "none")


@pytest.mark.parametrize("name", NAMES)
def test_what_was_drawn_can_be_cut_into_batches(name: str) -> None:
    whole = images()
    drawn = augment.draw(spec(name), 16, (8, 8), stream())
    changed = augment.change(whole, spec(name), drawn)
    parts = [
        augment.change(whole[at : at + 5], spec(name), tuple(each[at : at + 5] for each in drawn))
        for at in range(0, 16, 5)
    ]
    torch.testing.assert_close(torch.cat(parts), changed)
    assert torch.equal(changed, augment.augment(whole, spec(name), stream()))


def test_a_flip_mirrors_some_images_and_leaves_the_others() -> None:
    before = images(64)
    after = augment.augment(before, spec("flip"), stream())
    mirrored = [torch.equal(one, other.flip(2)) for one, other in zip(after, before, strict=True)]
    kept = [torch.equal(one, other) for one, other in zip(after, before, strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert 16 < sum(mirrored) < 48


@pytest.mark.parametrize(("fill", "mode"), [("zero", "constant"), ("reflect", "reflect")])
def test_each_crop_is_a_window_of_the_padded_image(fill: str, mode: str) -> None:
    before = images(40)
    after = augment.crop(before, 2, fill, stream())
    padded = functional.pad(before, (2, 2, 2, 2), mode=mode)
    windows = [
        [padded[i, :, top : top + 8, left : left + 8] for top in range(5) for left in range(5)]
        for i in range(40)
    ]
    places = [
        next(k for k, w in enumerate(windows[i]) if torch.equal(w, after[i])) for i in range(40)
    ]
    assert len(set(places)) > 10


@pytest.mark.parametrize("name", ["none", "flip", "shift", "crop_flip", "crop_flip_cutout"])
@pytest.mark.parametrize("fill", ["zero", "reflect"])
def test_bytes_are_moved_as_their_floats_would_be(name: str, fill: str) -> None:
    options = {"fill": fill} if name.startswith("crop") else {}
    stored = (images(40) * 255).to(torch.uint8)
    moved = augment.augment(stored, spec(name, **options), stream())
    assert moved.dtype == torch.uint8
    assert torch.equal(
        to_unit_range(moved),
        augment.augment(to_unit_range(stored), spec(name, **options), stream()),
    )


def test_cutout_blanks_at_most_its_square() -> None:
    after = augment.cutout(torch.ones(200, 1, 8, 8), 4, stream())
    blank = (after == 0).sum((1, 2, 3))
    assert int(blank.max()) == 16
    assert int(blank.min()) >= 4


def test_an_affine_change_of_nothing_is_none() -> None:
    still = spec("affine_flip", degrees=0.0, translate=0.0, scale=0.0, shear=0.0)
    torch.testing.assert_close(
        augment.affine(images(), still, stream()), images(), atol=1e-5, rtol=0
    )


def test_an_affine_turn_turns_about_the_center() -> None:
    turned = augment.affine(
        images(), spec("affine_flip", degrees=90.0, translate=0.0, scale=0.0, shear=0.0), Full()
    )
    torch.testing.assert_close(turned, images().rot90(1, (2, 3)), atol=1e-4, rtol=0)


def test_a_turn_is_one_in_images_that_are_no_square_too() -> None:
    beside = (4, 4)
    wide = functional.pad(images(), beside)
    tall = functional.pad(images(), (0, 0, *beside))
    turn = spec("affine_flip", degrees=90.0, translate=0.0, scale=0.0, shear=0.0)
    inner = images().rot90(1, (2, 3))
    for outer, wanted in (
        (wide, functional.pad(inner, beside)),
        (tall, functional.pad(inner, (0, 0, *beside))),
    ):
        turned = augment.affine(outer, turn, Full())
        torch.testing.assert_close(turned, wanted, atol=1e-4, rtol=0)


class Full(torch.Generator):
    """``affine`` with it draws the most of everything: see ``full``."""


@pytest.fixture(autouse=True)
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = torch.rand

    def rand(*shape: int, generator: torch.Generator) -> Tensor:
        return (
            torch.ones(*shape)
            if isinstance(generator, Full)
            else drawn(*shape, generator=generator)
        )

    monkeypatch.setattr(torch, "rand", rand)


def test_the_augmentations_of_a_list_are_done_one_after_the_other() -> None:
    written = [{"name": "crop_flip", "pad": 2}, "none", "randaugment", "random_erasing", "mixup"]
    several = Recipe.model_validate({"data": {"augment": written}}).data.augment
    generator, expected = stream(4), images()
    for name, options in [("crop_flip", {"pad": 2}), ("randaugment", {}), ("random_erasing", {})]:
        expected = augment.augment(expected, spec(name, **options), generator)
    assert torch.equal(augment.augment(images(), several, stream(4)), expected)
