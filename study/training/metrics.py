"""Figures of a model over a set, and the running figures of an epoch's training."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn import functional

from study.training.optim.loss import Losses
from study.training.optim.precision import Arithmetic

Batches = Iterable[tuple[Tensor, Tensor]]


@torch.no_grad()
def evaluate(
    forward: Callable[[Tensor], Tensor],
    batches: Batches,
    arithmetic: Arithmetic,
    heartbeat: Callable[[], None],
    *,
    mirrored: bool = False,
) -> dict[str, float]:
    """Loss (plain cross-entropy), accuracy, macro F1 and so on of a model in evaluation mode.

    ``mirrored``: by the mean logits of each image and of its mirror image.
    """
    logits, labels = [], []
    for images, answers in batches:
        with arithmetic.autocast():
            seen = forward(images).float()
            logits.append((seen + forward(images.flip(3)).float()) / 2 if mirrored else seen)
        labels.append(answers)
        heartbeat()
    return figures(torch.cat(logits), torch.cat(labels))


def figures(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """``logits`` of (N, classes) against ``labels`` of (N,). F1, precision and recall are macro
    averages (each class that occurs, be it as an answer only, counts the same); their micro
    averages are the accuracy.
    """
    classes = logits.shape[1]
    answers = logits.argmax(1)
    counts = (
        torch.bincount(labels * classes + answers, minlength=classes**2)
        .view(classes, classes)
        .cpu()
        .double()
    )
    right, actual, answered = counts.diag(), counts.sum(1), counts.sum(0)
    occurs = actual + answered > 0
    return {
        "loss": float(functional.cross_entropy(logits, labels)),
        "accuracy": int(right.sum()) / len(labels),
        "f1": _macro(2 * right, actual + answered, occurs),
        "precision": _macro(right, answered, occurs),
        "recall": _macro(right, actual, occurs),
        "top5": (
            int((logits.topk(min(5, classes)).indices == labels.unsqueeze(1)).sum()) / len(labels)
        ),
    }


def _macro(part: Tensor, whole: Tensor, occurs: Tensor) -> float:
    """The mean share over the classes that occur; nothing of nothing is 0."""
    return float((part / whole.clamp_min(1))[occurs].mean())


class Running:
    """Means over an epoch's training images, each as its batch saw them: in training mode, before
    its update.

    Sums stay on the device, so that no step waits for them.
    """

    def __init__(self, device: torch.device) -> None:
        self.loss, self.correct, self.norm = (torch.zeros((), device=device) for _ in range(3))
        self.images = self.steps = 0

    def see(self, losses: Losses, labels: Tensor, norm: Tensor) -> None:
        self.loss += losses.main * len(labels)
        self.correct += (losses.logits.argmax(1) == labels).sum()
        self.norm += torch.where(norm.isfinite(), norm, 0.0)
        self.images += len(labels)
        self.steps += 1

    def row(self) -> dict[str, float]:
        return {
            "train_loss": float(self.loss) / self.images,
            "train_accuracy": float(self.correct) / self.images,
            "gradient_norm": float(self.norm) / self.steps,
        }
