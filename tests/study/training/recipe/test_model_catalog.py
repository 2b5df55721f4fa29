"""A recipe's model section shows what it means and refuses what its network couldn't do."""

from __future__ import annotations

import pytest

from study.training.recipe.model import ModelSpec
from study.training.recipe.model_catalog import FAMILIES, MODEL_NAMES
from study.training.recipe.recipe import parse_recipe


def fault(**model: object) -> str:
    recipe, faults = parse_recipe({"model": model})
    assert recipe is None
    return "\n".join(str(fault) for fault in faults)


def test_every_family_has_what_its_variant_says() -> None:
    assert ModelSpec.model_validate({"name": "knet_cnn"}).norm == "none"
    assert (
        ModelSpec.model_validate({"name": "knet_cnn", "variant": "batch_norm"}).norm == "every_conv"
    )
    assert ModelSpec.model_validate({"name": "vgg16"}).order == "conv_act_norm"
    assert (
        ModelSpec.model_validate({"name": "vgg16", "order": "conv_norm_act"}).order
        == "conv_norm_act"
    )
    assert ModelSpec.model_validate({"name": "resnet110"}).depth == 110


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_spec_written_out_reads_back_equal(name: str) -> None:
    for variant in FAMILIES[name].variants or (None,):
        spec = ModelSpec.model_validate({"name": name, "variant": variant})
        assert ModelSpec.model_validate(spec.model_dump(mode="json")) == spec


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"name": "vit_b_16", "norm": "every_conv"}, "model.norm: must be none: vit_b_16"),
        ({"name": "vgg16", "depth": 19}, "model.depth: must be left out: vgg16"),
        ({"name": "resnet18", "aux_heads": True}, "model.aux_heads: must be false: resnet18"),
        ({"name": "resnet18", "pretrained": True}, "model.pretrained: must be false: resnet18"),
        (
            {"name": "googlenet", "variant": "julia"},
            "model.variant: must be standard | fc_norm for googlenet",
        ),
        ({"name": "resnet", "depth": 21}, "model.depth: must be 6n + 2"),
        ({"name": "resnet110", "depth": 20}, "model.depth: must be 110: resnet110"),
        (
            {"name": "mobilenet_v1", "rho": 0.5},
            "model.rho: must be 1.0 except in the variant twelve_blocks",
        ),
        (
            {"name": "vit_b_16", "pretrained": True, "depth": 6},
            "model.depth: must be 12 with pretrained weights",
        ),
        (
            {"name": "small_cnn", "options": {"hidden": 3}},
            "model.options: must be left out: small_cnn",
        ),
        ({"name": "small_cnn", "norm": None}, "model.norm: must be one of"),
        ({"name": "resnet19"}, "did you mean resnet1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_network_couldnt_do_is_refused(model: dict[str, object], message: str) -> None:
    assert message in fault(**model)
