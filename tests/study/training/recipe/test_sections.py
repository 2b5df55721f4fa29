"""The axes of a recipe: their forms and what each form may hold."""

from __future__ import annotations

from typing import Any

import pytest

from study.training.recipe.augmentations import CropFlip
from study.training.recipe.recipe import Recipe, parse_recipe
from study.training.recipe.sections import ClipNorm, HostLoader, Split


def test_a_form_has_fields_of_its_own() -> None:
    recipe = Recipe.model_validate(
        {"clip": {"name": "norm", "limit": 2}, "data": {"loader": "host", "augment": "crop_flip"}}
    )
    assert recipe.clip == ClipNorm(limit=2.0)
    assert recipe.data.loader == HostLoader()
    assert recipe.data.augment == CropFlip(pad=4, fill="zero")


def test_validation_is_a_share_of_the_training_images_or_the_test_set() -> None:
    assert Recipe().data.validation == Split(fraction=0.1)
    assert Recipe.model_validate({"data": {"validation": "test"}}).data.validation == "test"


@pytest.mark.parametrize(
    ("tree", "line"),
    [
        ({"data": {"loader": "cloud"}}, "data.loader: must name a known loader; found 'cloud'"),
        ({"data": {"augment": "flop"}}, "data.augment: must name a known augmentation; "),
        ({"data": {"name": "cifar11"}}, "data.name: must name a known data set; found 'cifar11'"),
        ({"data": {"batch_size": 0}}, "data.batch_size: must be at least 1; found 0"),
        ({"loss": {"label_smoothing": 1}}, "loss.label_smoothing: must be less than 1; found 1"),
        ({"converge": {"alpha": 0}}, "converge.alpha: must be greater than 0; found 0"),
        ({"patience": {"metric": "val_los"}}, "patience.metric: must be one of the accepted words"),
        ({"data": {"image_size": 8, "fit": "cut"}}, "data.fit: must be one of the accepted words"),
        ({"data": {"fit": "crop"}}, "data.image_size: must be given, the side of what is cut out"),
        ({"execution": "fast"}, "execution: must be a mapping; found 'fast'"),
    ],
)
def test_a_section_refuses_what_it_has_not(tree: dict[str, Any], line: str) -> None:
    _, (fault,) = parse_recipe(tree)
    assert str(fault).startswith(line)
