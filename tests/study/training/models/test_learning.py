"""Each network learns 64 images by heart, and its loss falls in every precision of a CPU."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from study.training.models.factory import build_model
from study.training.recipe.model import ModelSpec
from study.training.recipe.model_catalog import MODEL_NAMES

NARROW: dict[str, dict[str, object]] = {
    "vgg16": {"width": 0.0625},
    "flux_cnn": {"width": 0.25},
    "knet_cnn": {"width": 0.25},
    "resnet18": {"width": 0.125},
    "resnet50": {"width": 0.0625},
    "resnet": {"depth": 14, "width": 0.5},
    "resnet110": {"width": 0.25},
    "resnet18_two_stage": {"width": 0.25},
    "whitened_cnn": {"width": 0.25},
    "googlenet": {"width": 0.0625, "aux_heads": True, "norm": "every_conv_and_block"},
    "mobilenet_v1": {"width": 0.25},
    "efficientnet_b0": {"width": 0.25, "drop_path": 0.0},
    "vit_b_16": {"width": 0.09, "depth": 2},
}
STEPS = 60
FEW_STEPS = 4
LR = 3e-3
LRS = {"googlenet": 1e-2}


def narrow(name: str) -> nn.Module:
    torch.manual_seed(0)
    options = {"name": name, "dropout": 0.0, **NARROW.get(name, {})}
    return build_model(ModelSpec.model_validate(options), (3, 32, 32), 10)


def loss_of(outputs: Tensor | tuple[Tensor, ...], classes: Tensor) -> Tensor:
    main, *auxiliary = outputs if isinstance(outputs, tuple) else (outputs,)
    losses = [functional.cross_entropy(logits.float(), classes) for logits in (main, *auxiliary)]
    return losses[0] + 0.3 * sum(losses[1:], start=torch.zeros(()))


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_learns_64_images_by_heart(name: str, labelled_images: tuple[Tensor, Tensor]) -> None:
    images, classes = labelled_images
    network = narrow(name)
    optimizer = torch.optim.Adam(network.parameters(), lr=LRS.get(name, LR))
    for _ in range(STEPS):
        outputs = network(images)
        main = outputs[0] if isinstance(outputs, tuple) else outputs
        if bool((main.argmax(dim=1) == classes).all()):
            return
        optimizer.zero_grad()
        loss_of(outputs, classes).backward()
        optimizer.step()
    pytest.fail(f"not learnt in {STEPS} steps")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("name", MODEL_NAMES)
def test_loss_falls_in_a_few_steps(
    name: str, dtype: torch.dtype, labelled_images: tuple[Tensor, Tensor]
) -> None:
    images, classes = (tensor[:16] for tensor in labelled_images)
    network = narrow(name)
    optimizer = torch.optim.Adam(network.parameters(), lr=LRS.get(name, LR))
    losses = []
    for _ in range(FEW_STEPS):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype is torch.bfloat16):
            loss = loss_of(network(images), classes)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]
