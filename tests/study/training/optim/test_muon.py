"""Muon is torch's own on kernels flattened to matrices, with AdamW for the rest."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from study.training.optim.optimizers import make_optimizer
from study.training.optim.param_groups import learning_rates

from .conftest import spec


def test_muon_orthogonalizes_matrices_and_leaves_the_rest_to_adamw() -> None:
    torch.manual_seed(0)
    options = {"lr": 0.02, "weight_decay": 0.1, "momentum": 0.9, "adamw_lr": 0.003}
    mine, reference = (nn.Linear(4, 3) for _ in range(2))
    reference.load_state_dict(mine.state_dict())
    muon = torch.optim.Muon([reference.weight], lr=0.02, weight_decay=0.1, momentum=0.9)
    adamw = torch.optim.AdamW([reference.bias], lr=0.003, weight_decay=0.1)
    optimizer = make_optimizer(spec("muon", **options), mine)
    for model, step in ((mine, [optimizer]), (reference, [muon, adamw])):
        chance = torch.Generator().manual_seed(1)
        for _ in range(5):
            model.zero_grad()
            model(torch.randn(6, 4, generator=chance)).square().sum().backward()
            for part in step:
                part.step()
    torch.testing.assert_close(mine.weight, reference.weight)
    torch.testing.assert_close(mine.bias, reference.bias)
    assert learning_rates(optimizer) == {"lr": 0.02, "lr.adamw": 0.003}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_muon_takes_kernels_as_matrices_in_any_memory_format(layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    kernel = nn.Conv2d(2, 3, 3, bias=False).to(memory_format=layout)
    matrix = nn.Parameter(kernel.weight.detach().flatten(1).clone())
    reference = torch.optim.Muon([matrix], lr=0.02, weight_decay=0.01)
    optimizer = make_optimizer(spec("muon"), kernel)
    for seed in range(3):
        gradient = torch.randn(3, 18, generator=torch.Generator().manual_seed(seed))
        matrix.grad = gradient.clone()
        kernel.weight.grad = gradient.view(3, 2, 3, 3).clone()
        reference.step()
        optimizer.step()
    torch.testing.assert_close(kernel.weight.flatten(1), matrix.detach())
