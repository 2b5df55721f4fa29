"""ViT-B/16 (arXiv:2010.11929): torchvision's network. Its layer norms are its own; no placement
changes them.
"""

from __future__ import annotations

from torch import nn

from study.training.models.ends import see_color
from study.training.models.norm import widened
from study.training.recipe.model import ModelSpec
from study.training.runtime.torchvision import torchvision

_PATCH = 16
_HEADS = 12
_HEAD_FEATURES = 64
_MLP_EXPANSION = 4


def vit_b_16(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """85,806,346 parameters on 224 × 224 pixels for 10 classes, 85,875,556 for 100.

    ``width`` multiplies the 12 heads of 64 features each, ``depth`` is the number of layers.
    """
    channels, height, width = image_shape
    if height != width or height % _PATCH:
        raise ValueError(
            f"images must be square with a side that 16 divides for vit_b_16; found {height} ×"
            f" {width} pixels; set data.image_size (224 in its paper)"
        )
    heads = widened(_HEADS, model.width)
    network: nn.Module = torchvision.models.vision_transformer.VisionTransformer(
        image_size=height,
        patch_size=_PATCH,
        num_layers=model.depth or 12,
        num_heads=heads,
        hidden_dim=heads * _HEAD_FEATURES,
        mlp_dim=heads * _HEAD_FEATURES * _MLP_EXPANSION,
        dropout=model.dropout or 0.0,
        num_classes=classes,
    )
    see_color(network, channels)
    return network
