"""Metrics of a model over a set of images, and running means over an epoch's training.

To add a metric: its line in ``classification_metrics``. It is then in the summary of each trial; in
the epoch rows too, once ``epoch_row`` names it. To add one of torchmetrics': its name in
``study.training.recipe.metric_catalog``, and where it isn't torchmetrics' function of that name, a
line in ``_FUNCTIONS``.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from study.training.data.batches import Batch
from study.training.optim.loss import LossValues
from study.training.optim.precision import MixedPrecision
from study.training.runtime.team.team import Alone, Team

_ALONE = Alone()


@torch.no_grad()
def evaluate(
    forward: Callable[[Tensor], Tensor],
    precision: MixedPrecision,
    heartbeat: Callable[[], None],
    batches: Iterable[Batch],
    *,
    mirrored: bool = False,
    named: Sequence[str] = (),
    team: Team = _ALONE,
) -> dict[str, float]:
    """Return the ``classification_metrics`` of a model in evaluation mode.

    With ``mirrored`` they are of the mean logits of each image and of its mirror image.
    ``heartbeat`` is called after each batch. ``named`` are metrics of torchmetrics' besides. Where
    each of several workers has some of the images, all of them get the metrics of all images.
    """
    all_logits, all_labels = [], []
    for images, labels in batches:  # (B, C, H, W), (B,)
        with precision.autocast():
            logits = forward(images).float()  # (B, classes)
            if mirrored:
                logits = (logits + forward(images.flip(3)).float()) / 2
        all_logits.append(logits)
        all_labels.append(labels)
        heartbeat()
    logits = team.gather(torch.cat(all_logits) if all_logits else None)
    labels = team.gather(torch.cat(all_labels) if all_labels else None)
    metrics = classification_metrics(logits, labels)
    others = [name for name in named if name not in metrics]
    return metrics | named_metrics(others, logits, labels)


def named_metrics(names: Sequence[str], logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Measure ``logits`` (N, classes) against ``labels`` (N,) by torchmetrics' functions.

    Averages are over the classes, each counting the same. Measured on the host; nan where a metric
    isn't defined. torchmetrics warns of classes without images: its averages leave them out.
    """
    if not names:
        return {}
    import study.training.runtime.torchvision  # noqa: F401, I001 - torchmetrics imports torchvision
    import torchmetrics.functional.classification as functions

    shares = logits.float().softmax(1).cpu()  # (N, classes)
    known, classes = labels.cpu(), logits.shape[1]
    measured = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            function, options = _FUNCTIONS.get(name, (f"multiclass_{name}", {}))
            measure = getattr(functions, function)
            found = measure(shares, known, num_classes=classes, **options)
            if name in _OF_CLASSES_WITH_IMAGES:
                counts = known.bincount(minlength=classes)
                is_defined = counts > 0
                if name == "auroc":
                    is_defined &= counts < len(known)
                found = found[is_defined].mean()
            measured[name] = float(found)
    return measured


_FUNCTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "auroc": ("multiclass_auroc", {"average": "none"}),
    "balanced_accuracy": ("multiclass_accuracy", {"average": "none"}),
}
"""Functions of torchmetrics that are called otherwise than the metric, and their options."""
_OF_CLASSES_WITH_IMAGES = frozenset(_FUNCTIONS)
"""Metrics that aren't defined for a class without images, nor auroc for the only one; torchmetrics'
own averages may count such a class as 0.
"""


def classification_metrics(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Measure ``logits`` (N, classes) against ``labels`` (N,).

    ``loss`` is plain cross-entropy, in nat; all others are shares in [0, 1]. ``f1``, ``precision``
    and ``recall`` are macro averages: each class that occurs, as a label or as a prediction, counts
    the same. (Their micro averages are the accuracy.)
    """
    count, classes = logits.shape
    predictions = logits.argmax(1)  # (N,)
    cells = torch.bincount(labels * classes + predictions, minlength=classes**2)
    confusion = cells.view(classes, classes).cpu().double()  # (label, prediction)
    correct = confusion.diag()  # (classes,)
    labelled = confusion.sum(1)
    predicted = confusion.sum(0)
    occurs = labelled + predicted > 0
    likeliest = logits.topk(min(5, classes)).indices  # (N, 5)
    is_among_five = likeliest == labels.unsqueeze(1)
    return {
        "loss": float(functional.cross_entropy(logits, labels)),
        "accuracy": int(correct.sum()) / count,
        "f1": _macro_average(2 * correct, labelled + predicted, occurs),
        "precision": _macro_average(correct, predicted, occurs),
        "recall": _macro_average(correct, labelled, occurs),
        "top5": int(is_among_five.sum()) / count,
    }


def _macro_average(part: Tensor, whole: Tensor, occurs: Tensor) -> float:
    """Return the mean share over the classes that occur; nothing of nothing is 0."""
    shares = part / whole.clamp_min(1)  # (classes,)
    return float(shares[occurs].mean())


class RunningMeans:
    """Means over an epoch's training images, each as its batch saw them: in training mode, before
    its update.

    A step only keeps what it has, so that it neither waits for the device nor gives it small work;
    the epoch's end adds up.
    """

    def __init__(self, team: Team = _ALONE) -> None:
        self._team = team
        self._sizes: list[int] = []
        self._losses: list[Tensor] = []
        self._gradient_norms: list[Tensor] = []
        self._predictions: list[Tensor] = []
        self._labels: list[Tensor] = []
        self.images = 0
        """How many were trained on."""

    def add(
        self, losses: LossValues, labels: Tensor, gradient_norm: Tensor, images: int | None = None
    ) -> None:
        """Add a batch: logits of (B, classes), labels (B,), and the norm before clipping.

        Of labels that are shares of the classes, (B, classes), the greatest counts. ``images`` is
        how many the losses are of, where that is more than one worker's.
        """
        self._losses.append(losses.main)
        self._gradient_norms.append(gradient_norm)
        self._predictions.append(losses.logits.argmax(1))
        self._labels.append(labels if labels.ndim == 1 else labels.argmax(1))
        self._sizes.append(len(labels) if images is None else images)
        self.images += self._sizes[-1]

    def columns(self) -> dict[str, float]:
        """Return the means as an epoch's row has them."""
        sizes = torch.tensor(self._sizes)
        losses = torch.stack(self._losses).cpu()  # (steps,)
        norms = torch.stack(self._gradient_norms).cpu()
        finite_norms = norms[norms.isfinite()]  # the others' updates were skipped
        correct = (torch.cat(self._predictions) == torch.cat(self._labels)).sum()
        correct = self._team.add_up(correct)
        return {
            "train_loss": _sum_in_order(losses * sizes) / self.images,
            "train_accuracy": int(correct) / self.images,
            "gradient_norm": _sum_in_order(finite_norms) / len(finite_norms)
            if len(finite_norms)
            else math.nan,
        }


def _sum_in_order(values: Tensor) -> float:
    """Add (N,) up one after the other in single precision, as a running sum would."""
    return float(np.add.accumulate(values.float().numpy())[-1])
