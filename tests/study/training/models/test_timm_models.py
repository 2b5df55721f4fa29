"""Names of timm's models are known without timm; a machine without it says what to install."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from study.errors import UserError
from study.execution.resources import factories
from study.inspection.export.model_source import model_source
from study.training.models.factory import build_model
from study.training.recipe.model import ModelSpec
from study.training.recipe.recipe import parse_recipe


@pytest.mark.parametrize("name", ["timm:resnet18", "timm:vit_base_patch16_224.augreg_in21k"])
def test_a_name_is_taken_with_the_options_of_its_making_and_names_no_code_of_the_user_s(
    name: str,
) -> None:
    recipe, _ = parse_recipe({"model": {"name": name, "options": {"drop_rate": 0.1}}})
    assert recipe is not None
    assert list(factories(recipe.model_dump(mode="json"))) == []
    _, faults = parse_recipe({"model": {"name": name, "width": 2.0}})
    assert str(faults[0]).startswith("model.width: must be 1.0")


def test_what_goes_home_makes_it_by_timm_without_loading_weights_anew() -> None:
    options: dict[str, str | int | float | bool] = {"pretrained": True, "drop_rate": 0.1}
    source = model_source(ModelSpec(name="timm:resnet18", options=options), (1, 8, 8), 10)
    made = "timm.create_model('resnet18', num_classes=10, in_chans=1, **{'drop_rate': 0.1})"
    assert made in source
    compile(source, "model.py", "exec")


@pytest.mark.skipif(find_spec("timm") is not None, reason="timm is installed")
def test_a_machine_without_timm_says_what_to_install() -> None:
    with pytest.raises(UserError, match=r"must find timm installed .* pip install 'ray-study"):
        build_model(ModelSpec(name="timm:resnet18"), (3, 32, 32), 10)
