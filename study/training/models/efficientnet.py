"""EfficientNet-B0 (arXiv:1905.11946): torchvision's network, with the norms that the recipe asks
for.

The gates of squeeze-and-excitation work on one pixel and count as no convolutions for the norm
placement. A join is an addition; blocks that change the shape have none.
"""

from __future__ import annotations

from torch import nn

from study.training.models.adapters import accept_gray
from study.training.models.layers import ImageShape, LayerFactory
from study.training.recipe.model import ModelSpec
from study.training.runtime.torchvision import torchvision

# Expansion, kernel, stride, channels in, channels, layers: the paper's table 1.
_STAGES = (
    (1, 3, 1, 32, 16, 1),
    (6, 3, 2, 16, 24, 2),
    (6, 5, 2, 24, 40, 2),
    (6, 3, 2, 40, 80, 3),
    (6, 5, 1, 80, 112, 3),
    (6, 5, 2, 112, 192, 4),
    (6, 3, 1, 192, 320, 1),
)


def efficientnet_b0(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build EfficientNet-B0; 4,020,358 parameters for 10 classes."""
    source = torchvision.models.efficientnet
    network: nn.Module = source.EfficientNet(
        [source.MBConvConfig(*stage, width_mult=model.width) for stage in _STAGES],
        dropout=model.dropout or 0.0,
        stochastic_depth_prob=model.drop_path,
        num_classes=classes,
    )
    factory = LayerFactory.from_spec(model)
    features = network.get_submodule("features")
    _replace_conv_norms(features, factory)
    if factory.norm_after_join:
        _append_join_norms(features, factory)
    accept_gray(network, image_shape[0])
    return network


def _replace_conv_norms(features: nn.Module, factory: LayerFactory) -> None:
    """Give each convolution the recipe's norm and activation in place of torchvision's."""
    layer_class = torchvision.ops.misc.Conv2dNormActivation
    for layer in list(features.modules()):
        if not isinstance(layer, layer_class):
            continue
        conv = layer[0]
        has_activation = len(layer) > 2  # behind the convolution and its norm
        if not factory.norm_after_conv:
            conv.bias = nn.Parameter(conv.weight.new_zeros(conv.out_channels))
        del layer[1:]
        layer.extend(factory.after_conv(conv.out_channels, _silu if has_activation else None))


def _append_join_norms(features: nn.Module, factory: LayerFactory) -> None:
    """Put a norm behind each residual addition."""
    block_class = torchvision.models.efficientnet.MBConv
    for stage in features.children():
        for index, block in enumerate(list(stage.children())):
            if isinstance(block, block_class) and block.use_res_connect:
                normed = nn.Sequential(block, factory.join(block.out_channels, None))
                stage.register_module(str(index), normed)


def _silu() -> nn.Module:
    return nn.SiLU(inplace=True)
