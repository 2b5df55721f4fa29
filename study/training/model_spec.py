"""What a recipe may say of the model: its name and the switches that all or some of the families understand."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from study.training.axes import Count, Positive, Section, Share, known_name

MODEL_NAMES = (
    "small_cnn",
    "mlp",
    "lenet",
    "vgg16",
    "resnet18",
    "resnet50",
    "resnet",
    "resnet110",
    "resnet18_two_stage",
    "googlenet",
    "mobilenet_v1",
    "efficientnet_b0",
    "vit_b_16",
    "flux_cnn",
    "knet_cnn",
)


class ModelSpec(Section):
    """``norm`` is the placement, ``order`` where it stands beside the activation, ``norm_kind`` what it is."""

    name: str = "small_cnn"
    width: Positive = 1.0
    """Multiplier of the channels, in families that have one."""
    resolution: Positive = 1.0
    """Multiplier of the input's side, in families that have one."""
    depth: Count | None = None
    """Layers, in families that have several depths (6n + 2); None: the family's own."""
    norm: Literal["none", "every_conv", "every_conv_and_block"] = "every_conv"
    order: Literal["conv_norm_act", "conv_act_norm"] = "conv_norm_act"
    norm_kind: Literal["batch", "group", "none"] = "batch"
    dropout: Share | None = None
    """None: the family's own."""
    softmax: bool = False
    """Softmax inside the model, in front of a loss that applies it again: a published habit that slows learning."""
    aux_heads: bool = False
    pretrained: bool = False
    weights: str | None = None
    """A local file of pretrained weights; None: the library's download."""
    variant: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")] | None = None
    """A published variant of the family; None: the paper's."""

    @field_validator("name")
    @classmethod
    def known(cls, name: str) -> str:
        return known_name(name, "model", MODEL_NAMES)
