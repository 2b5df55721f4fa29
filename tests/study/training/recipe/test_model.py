"""What a recipe may say of its model, and what a family makes of what it leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from study.training.recipe.model import ModelSpec, defaults_of
from study.training.recipe.recipe import parse_recipe


def test_what_is_left_out_is_the_familys_own() -> None:
    assert ModelSpec(name="vgg16").dropout == defaults_of("vgg16", None)["dropout"] == 0.5
    assert ModelSpec(name="vgg16", dropout=None).dropout == 0.5
    assert ModelSpec(name="vgg16", dropout=0.1).dropout == 0.1


@pytest.mark.parametrize(
    ("model", "line"),
    [
        ({"name": "resnet", "depth": 21}, "model.depth: must be 6n + 2, such as 20, 32, 56 or 110"),
        ({"name": "mlp", "variant": "wide"}, "model.variant: must be "),
        ({"name": "mlp", "aux_heads": True}, "model.aux_heads: must be false: mlp has nothing"),
        ({"name": "resnet18", "rho": 0.5}, "model.rho: must be 1.0"),
        ({"name": "resnet18", "pretrained": True}, "model.pretrained: must be false: resnet18"),
        ({"name": "resnet17"}, "model.name: must name a known model; found 'resnet17'"),
    ],
)
def test_a_model_is_told_what_its_family_does_not_understand(
    model: dict[str, Any], line: str
) -> None:
    recipe, faults = parse_recipe({"model": model})
    assert recipe is None
    assert str(faults[0]).startswith(line)


def test_a_factory_of_the_users_own_has_options() -> None:
    model = ModelSpec(name="my.package:network", options={"depth": 3, "wide": True})
    assert model.options == {"depth": 3, "wide": True}
