"""Parts of a recipe as users write them: good ones that equal built-in ones, and bad ones."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional


def plain_loss(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    return functional.cross_entropy(logits, labels, label_smoothing=smoothing)


def focal_loss(logits: Tensor, labels: Tensor, gamma: float = 2.0) -> Tensor:
    losses = functional.cross_entropy(logits, labels, reduction="none")
    return ((1 - (-losses).exp()) ** gamma * losses).mean()


def loss_of_each(logits: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(logits, labels, reduction="none")


def two_rates(model: nn.Module, lr: float, head_lr: float, momentum: float = 0.9) -> Any:
    *body, head = [module for module in model.modules() if isinstance(module, nn.Linear)]
    groups = [
        {"params": [each for module in body for each in module.parameters()]},
        {"params": list(head.parameters()), "lr": head_lr},
    ]
    return torch.optim.SGD(groups, lr=lr, momentum=momentum)


def plain_adamw(model: nn.Module, lr: float = 1e-3) -> Any:
    return torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01, fused=True)


def no_optimizer(model: nn.Module) -> Any:
    return list(model.parameters())


def half_cosine(step: int, steps: int, least: float = 0.0) -> float:
    return least + (1 - least) * (1 + math.cos(math.pi * step / max(1, steps - 1))) / 2


def endless(step: int, steps: int) -> float:
    return math.inf


def nothing(images: Tensor, labels: Tensor, generator: Generator) -> Any:
    return images, labels


def noise(images: Tensor, labels: Tensor, generator: Generator, share: float = 0.1) -> Any:
    drawn = torch.randn(images.shape, generator=generator)
    return images + share * drawn.to(images.device), labels


def images_alone(images: Tensor, labels: Tensor, generator: Generator) -> Any:
    return images


def half_the_batch(images: Tensor, labels: Tensor, generator: Generator) -> Any:
    return images[::2], labels[::2]
