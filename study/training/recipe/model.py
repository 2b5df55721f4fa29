"""What a recipe may say of the model: its name, and the switches that families understand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from study.training.recipe.model_catalog import MODEL_NAMES, family_of, is_timm_name
from study.training.recipe.numbers import Count, Positive, Share
from study.validation.section import PlainValue, Section, checked_name, rule

__all__ = ["MODEL_NAMES", "ModelSpec"]

_UNIVERSAL = frozenset({"name", "variant", "resolution", "softmax", "init", "sync_norm"})
"""Fields with a meaning for every network; each other one only in families that understand it."""
_LEFT_TO_FAMILY = frozenset({"variant", "depth", "dropout", "weights"})
"""Fields that may be null: as if they were left out."""
_KEPT_BY_PRETRAINED = _UNIVERSAL | {
    *("pretrained", "weights", "dropout", "drop_path", "norm_momentum"),
}
"""Fields that don't change the shape or meaning of pretrained weights."""


class ModelSpec(Section):
    """What is left out has the family's own default, filled in here: a recipe shows what it means.

    ``norm`` is the placement of the norm layers, ``order`` how they stand to the activation,
    ``norm_kind`` what they are. See ``model_catalog`` for who understands what.
    """

    name: str = "small_cnn"
    """The network, ``timm:NAME`` for one of timm's, or ``package.module:factory`` of your own."""
    variant: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")] | None = None
    """A published variant of the family; None only where the family has a single form."""
    width: Positive = 1.0
    """Multiplier of the channels (of the heads, in a transformer)."""
    resolution: Positive = 1.0
    """Multiplier of the images' side: they are resized in front of the network (MobileNet's ρ)."""
    depth: Count | None = None
    """Layers (6n + 2), blocks a stage or hidden layers, in families that have several depths."""
    norm: Literal["none", "every_conv", "every_conv_and_block"] = "every_conv"
    """Where norm layers stand: nowhere, after every convolution, or after every block too."""
    order: Literal["conv_norm_act", "conv_act_norm"] = "conv_norm_act"
    """Whether norm comes before the activation or after it."""
    norm_kind: Literal["batch", "group", "none"] = "batch"
    """Which norm it is."""
    sync_norm: bool = False
    """Whether batch norm sees the images of all of a trial's workers, and not only its own's."""
    norm_momentum: Annotated[float, Field(gt=0, le=1)] = 0.1
    """The share that a batch has in batch norm's running statistics: 0.01 is Keras' 0.99."""
    norm_eps: Positive = 1e-5
    """What batch norm adds to the variance: 1e-3 in Keras."""
    dropout: Share | None = None
    """The share of activations that dropout leaves out, in families that have it."""
    softmax: bool = False
    """Softmax inside the model, in front of a loss that applies it again.

    A published habit that slows learning.
    """
    init: Literal["default", "glorot_uniform", "kaiming_normal"] = "default"
    """How convolutions and fully connected layers start; ``default``: as the family has it.

    With any other, biases start at 0.
    """
    aux_heads: bool = False
    """GoogLeNet's two further classifiers, which train with it (see ``loss.aux_weight``)."""
    rho: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Multiplier of the hidden channels in the ``twelve_blocks`` variant of MobileNet."""
    drop_path: Share = 0.0
    """The share of residual branches left out in the last block: stochastic depth.

    arXiv:1603.09382.
    """
    pretrained: bool = False
    """Start from ImageNet weights (torchvision's enums), except for the classifier."""
    weights: str | None = None
    """A local file (.pt, .pth or .safetensors) to take them from; None: torchvision's download."""
    options: dict[str, PlainValue] = Field(default_factory=dict)
    """Keyword arguments of a user's own ``package.module:factory``, or of ``timm.create_model``."""

    def resized(self, image_shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return the (C, H, W) that images of ``image_shape`` have inside the network."""
        channels, height, width = image_shape
        return channels, _scaled(height, self.resolution), _scaled(width, self.resolution)

    @field_validator("name")
    @classmethod
    def known(cls, name: str) -> str:
        return name if is_timm_name(name) else checked_name(name, "model", MODEL_NAMES)

    @model_validator(mode="before")
    @classmethod
    def with_family_defaults(cls, tree: object) -> object:
        if not isinstance(tree, Mapping):
            return tree
        said = {
            key: value
            for key, value in tree.items()
            if value is not None or key not in _LEFT_TO_FAMILY
        }
        return {**defaults_of(said.get("name", "small_cnn"), said.get("variant")), **said}

    @model_validator(mode="after")
    def understood(self) -> ModelSpec:
        family = family_of(self.name)
        if self.variant is not None and self.variant not in family.variants:
            accepted = " | ".join(family.variants) or "left out"
            raise rule(f"must be {accepted} for {self.name}", ["variant"], beside=["name"])
        for option in _others(_UNIVERSAL | family.understood):
            why = f": {self.name} has nothing that it could change"
            self._demand_default(option, why)
        if self.rho != 1 and self.variant != "twelve_blocks":
            must = "must be 1.0 except in the variant twelve_blocks"
            raise rule(must, ["rho"], beside=["variant"])
        if self.name == "resnet" and (self.depth or 0) % 6 != 2:
            raise rule("must be 6n + 2, such as 20, 32, 56 or 110", ["depth"], beside=["name"])
        if self.pretrained:
            for option in _others(_KEPT_BY_PRETRAINED):
                self._demand_default(option, " with pretrained weights")
        return self

    def _demand_default(self, option: str, why: str) -> None:
        default = defaults_of(self.name, self.variant)[option]
        if getattr(self, option) == default:
            return
        wanted = str(default).lower() if isinstance(default, bool) else str(default or "left out")
        raise rule(f"must be {wanted}{why}", [option], beside=["name"])


def _scaled(side: int, resolution: float) -> int:
    return max(1, round(side * resolution))


def _others(fields: frozenset[str]) -> list[str]:
    """All other fields, in the order in which they stand above."""
    return [field for field in ModelSpec.model_fields if field not in fields]


def defaults_of(name: object, variant: object) -> dict[str, object]:
    """Every field's default for a network and its variant (None: its first)."""
    return {
        **_general_defaults(),
        **(family_of(name).defaults_of(variant) if isinstance(name, str) else {}),
    }


@lru_cache(maxsize=1)
def _general_defaults() -> dict[str, object]:
    """Every field's default where the family has none of its own."""
    fields = ModelSpec.model_fields.items()
    return {
        key: field.get_default(call_default_factory=True) for key, field in fields if key != "name"
    }
