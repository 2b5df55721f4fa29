"""The networks there are: what each understands, and what it takes where a recipe says nothing.

No torch here. An option that a family doesn't understand keeps its default: a recipe that says
otherwise is refused, since the difference would have no effect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

FamilyDefaults = Mapping[str, object]

_NORM_OPTIONS = frozenset({"norm", "order", "norm_kind", "norm_momentum", "norm_eps"})
_CONVOLUTIONAL = _NORM_OPTIONS | {"width", "dropout"}

_NO_NORM: FamilyDefaults = {"norm": "none"}


@dataclass(frozen=True)
class Family:
    """One network: the function that builds it, the options it understands, their defaults and its
    variants.

    ``variants`` maps each variant to the defaults that it changes; the first is taken where none is
    named. ``smallest`` is the least side in pixels that leaves something to look at after the last
    pooling.
    """

    builder: str
    options: frozenset[str]
    defaults: FamilyDefaults = field(default_factory=dict)
    variants: Mapping[str, FamilyDefaults] = field(default_factory=dict)
    smallest: int = 1

    def defaults_of(self, variant: object) -> dict[str, object]:
        """What a recipe's model section holds where it says nothing, for one of the variants (None:
        the first).
        """
        chosen = variant if variant is not None or not self.variants else next(iter(self.variants))
        changed = self.variants.get(chosen, {}) if isinstance(chosen, str) else {}
        return {"variant": chosen, **self.defaults, **changed}

    @property
    def understood(self) -> frozenset[str]:
        return self.options | ({"variant"} if self.variants else frozenset())


_CONVNET = "study.training.models.convnet"
_RESNET = "study.training.models.resnet"

FAMILIES: Mapping[str, Family] = {
    "small_cnn": Family(
        f"{_RESNET}:small_cnn",
        _CONVOLUTIONAL | {"depth"},
        {"depth": 1, "dropout": 0.0},
        smallest=4,
    ),
    "mlp": Family(
        "study.training.models.mlp:mlp",
        _CONVOLUTIONAL | {"depth"},
        {"depth": 1, "dropout": 0.0, **_NO_NORM},
        variants={"relu": {}, "linear": {}},
    ),
    "lenet": Family(f"{_CONVNET}:lenet", _CONVOLUTIONAL, {"dropout": 0.0, **_NO_NORM}, smallest=16),
    "vgg16": Family(
        f"{_CONVNET}:vgg16", _CONVOLUTIONAL, {"dropout": 0.5, "order": "conv_act_norm"}, smallest=32
    ),
    "flux_cnn": Family(
        f"{_CONVNET}:flux_cnn",
        _CONVOLUTIONAL,
        {"dropout": 0.2, "order": "conv_act_norm"},
        variants={"three_stages": {}, "one_stage": {}},
        smallest=8,
    ),
    "knet_cnn": Family(
        f"{_CONVNET}:knet_cnn",
        _CONVOLUTIONAL,
        {"dropout": 0.5, **_NO_NORM},
        variants={"vgg_style": {}, "batch_norm": {"norm": "every_conv", "dropout": 0.0}},
        smallest=4,
    ),
    "resnet18": Family(f"{_RESNET}:resnet18", _CONVOLUTIONAL, {"dropout": 0.0}, smallest=8),
    "resnet50": Family(f"{_RESNET}:resnet50", _CONVOLUTIONAL, {"dropout": 0.0}, smallest=8),
    "resnet": Family(
        f"{_RESNET}:resnet_6n2",
        _CONVOLUTIONAL | {"depth"},
        {"depth": 20, "dropout": 0.0},
        variants={"standard": {}, "deepstudy": {}},
        smallest=4,
    ),
    "resnet110": Family(
        f"{_RESNET}:resnet_6n2",
        _CONVOLUTIONAL,
        {"depth": 110, "dropout": 0.0},
        variants={"standard": {}, "deepstudy": {}},
        smallest=4,
    ),
    "resnet18_two_stage": Family(
        f"{_RESNET}:resnet18_two_stage",
        _CONVOLUTIONAL,
        {"dropout": 0.3},
        variants={"julia": {}, "julia_fixed_shortcuts": {}, "keras": {}},
        smallest=32,
    ),
    "whitened_cnn": Family(
        "study.training.models.airbench:whitened_cnn", _CONVOLUTIONAL, {"dropout": 0.0}, smallest=9
    ),
    "googlenet": Family(
        "study.training.models.googlenet:googlenet",
        _CONVOLUTIONAL | {"aux_heads"},
        {"dropout": 0.4},
        variants={"standard": {}, "fc_norm": _NO_NORM},
        smallest=4,
    ),
    "mobilenet_v1": Family(
        "study.training.models.mobilenet:mobilenet_v1",
        _CONVOLUTIONAL | {"rho"},
        {"dropout": 0.0},
        variants={"standard": {}, "twelve_blocks": {}},
        smallest=2,
    ),
    "efficientnet_b0": Family(
        "study.training.models.efficientnet:efficientnet_b0",
        _CONVOLUTIONAL | {"drop_path", "pretrained", "weights"},
        {"dropout": 0.2, "drop_path": 0.2},
        smallest=2,
    ),
    "vit_b_16": Family(
        "study.training.models.vit:vit_b_16",
        frozenset({"width", "depth", "dropout", "pretrained", "weights"}),
        {"depth": 12, "dropout": 0.0, **_NO_NORM},
        smallest=16,
    ),
}

MODEL_NAMES: tuple[str, ...] = tuple(FAMILIES)

_USER_FACTORY = Family("", frozenset({"options"}))
"""What a user's own ``package.module:factory`` understands: nothing but its ``options``."""


TIMM = "timm"
"""The package whose models are named ``timm:NAME``."""
_TIMM_NAME = re.compile(rf"{TIMM}:[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?")


def is_timm_name(name: str) -> bool:
    """Return whether a name is that of one of timm's models, such as ``timm:resnet18.a1_in1k``."""
    return _TIMM_NAME.fullmatch(name) is not None


def family_of(name: str) -> Family:
    return FAMILIES.get(name, _USER_FACTORY)
