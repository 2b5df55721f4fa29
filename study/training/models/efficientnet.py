"""EfficientNet-B0 (arXiv:1905.11946): torchvision's network, its norm layers placed as the recipe
says.

The gates of squeeze-and-excitation work on one pixel and are no convolutions in the sense of the
placement. A join is an addition; blocks that change the shape have none.
"""

from __future__ import annotations

from torch import nn

from study.training.models.ends import see_color
from study.training.models.norm import Norms
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


def efficientnet_b0(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """4,020,358 parameters for 10 classes."""
    source = torchvision.models.efficientnet
    network: nn.Module = source.EfficientNet(
        [source.MBConvConfig(*stage, width_mult=model.width) for stage in _STAGES],
        dropout=model.dropout or 0.0,
        stochastic_depth_prob=model.drop_path,
        num_classes=classes,
    )
    _place_norms(network.get_submodule("features"), Norms.of(model))
    see_color(network, image_shape[0])
    return network


def _place_norms(features: nn.Module, norms: Norms) -> None:
    """Give each convolution the norm and activation of the recipe, and each addition its norm."""
    layer_class = torchvision.ops.misc.Conv2dNormActivation
    block_class = torchvision.models.efficientnet.MBConv
    for layer in [module for module in features.modules() if isinstance(module, layer_class)]:
        conv, activated = layer[0], len(layer) > 2
        if not norms.on_convs:
            conv.bias = nn.Parameter(conv.weight.new_zeros(conv.out_channels))
        del layer[1:]
        layer.extend(norms.tail(norms.on_convs, conv.out_channels, _silu if activated else None))
    if norms.on_blocks:
        for stage in features.children():
            for index, block in enumerate(list(stage.children())):
                if isinstance(block, block_class) and block.use_res_connect:
                    stage.register_module(
                        str(index), nn.Sequential(block, norms.join(block.out_channels, None))
                    )


def _silu() -> nn.Module:
    return nn.SiLU(inplace=True)
