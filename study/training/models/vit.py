"""ViT-B/16 (arXiv:2010.11929): torchvision's network.

Its layer norms are its own; no norm placement changes them.
"""

from __future__ import annotations

from torch import nn

from study.training.models.adapters import accept_gray
from study.training.models.layers import ImageShape, scale_channels
from study.training.recipe.model import ModelSpec
from study.training.runtime.torchvision import torchvision

_PATCH_SIZE = 16
_LAYERS = 12
_HEADS = 12
_FEATURES_PER_HEAD = 64
_MLP_EXPANSION = 4


def vit_b_16(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build ViT-B/16; on 224 × 224 pixels 85,806,346 parameters for 10 classes, 85,875,556 for 100.

    ``width`` multiplies the 12 heads of 64 features each, ``depth`` is the number of layers.
    """
    channels, height, width = image_shape
    if height != width or height % _PATCH_SIZE:
        raise ValueError(
            f"images must be square with a side that 16 divides for vit_b_16; found {height} ×"
            f" {width} pixels; set data.image_size (224 in its paper)"
        )
    heads = scale_channels(_HEADS, model.width)
    features = heads * _FEATURES_PER_HEAD
    network: nn.Module = torchvision.models.vision_transformer.VisionTransformer(
        image_size=height,
        patch_size=_PATCH_SIZE,
        num_layers=model.depth or _LAYERS,
        num_heads=heads,
        hidden_dim=features,
        mlp_dim=features * _MLP_EXPANSION,
        dropout=model.dropout or 0.0,
        num_classes=classes,
    )
    accept_gray(network, channels)
    return network
