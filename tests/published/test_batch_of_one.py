"""What batches of one image, as MobileNet's source trains on, can teach it: nothing of the image.

torch refuses a batch norm that sees one number; by the formula, which Flux computes, it gives its
bias.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from study.spec.load import spec_from_tree
from study.training.models.factory import build_model

from .on_a_cpu.cuts import CUTS

CUT = next(cut for cut in CUTS if cut.name == "mobilenet_on_a_cpu")


class WrittenBatchNorm(nn.Module):
    """Batch norm in training, by its formula: of the images at hand, however few."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps

    def forward(self, images: Tensor) -> Tensor:
        means = images.mean((0, 2, 3), keepdim=True)
        variances = images.var((0, 2, 3), correction=0, keepdim=True)
        normalized = (images - means) / (variances + self.eps).sqrt()
        return normalized * self.weight[:, None, None] + self.bias[:, None, None]


def published_network() -> nn.Module:
    torch.manual_seed(0)
    spec = spec_from_tree(CUT.tree())
    return build_model(spec.training(spec.first_values(0)).recipe.model, (3, 32, 32), 100)


def write_norms(network: nn.Module) -> nn.Module:
    for name, layer in network.named_children():
        if isinstance(layer, nn.BatchNorm2d):
            setattr(network, name, WrittenBatchNorm(layer))
        else:
            write_norms(layer)
    return network


def test_the_formula_is_torchs_own_where_torch_computes_it() -> None:
    images = torch.randn(4, 3, 32, 32).double()
    expected = published_network().double()(images)
    torch.testing.assert_close(write_norms(published_network()).double()(images), expected)


def test_one_image_gives_the_same_logits_as_any_other_and_trains_the_last_bias_alone() -> None:
    network = write_norms(published_network())
    logits = torch.cat([network(torch.randn(1, 3, 32, 32)) for _ in range(5)])
    assert torch.equal(logits, logits[:1].expand(5, 100))
    functional.cross_entropy(logits, torch.arange(5), label_smoothing=0.1).backward()
    trained = [
        name
        for name, weight in network.named_parameters()
        if weight.grad is not None and weight.grad.any()
    ]
    assert len(trained) == 1
    assert network.get_parameter(trained[0]).shape == (100,)
