"""The loss that is trained: cross-entropy, auxiliary heads and penalties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn
from torch.nn import functional

from study.training.recipe.sections import AnyLoss, CrossEntropy, OwnLoss
from study.training.runtime.own_parts import own_function, part_failure


@dataclass(frozen=True)
class LossValues:
    """The losses of one batch, and its logits."""

    total: Tensor
    """What the gradient is of: a scalar."""
    main: Tensor
    """The main output's loss alone, which is reported: a scalar."""
    logits: Tensor
    """The main output: (B, classes)."""

    def detached(self) -> LossValues:
        return LossValues(self.total.detach(), self.main.detach(), self.logits.detach())


class LossFunction:
    """Cross-entropy with label smoothing (arXiv:1512.00567), or the user's own loss, with auxiliary
    heads and penalties.

    Each auxiliary head (arXiv:1409.4842) adds its own loss, weighted; L1 and L2 penalties
    are over weight matrices and kernels, not over biases and norms.
    """

    def __init__(self, spec: AnyLoss, model: nn.Module) -> None:
        self._spec = spec
        self._main_loss = (
            self._cross_entropy(spec) if isinstance(spec, CrossEntropy) else _own_loss(spec)
        )
        self._matrices = [parameter for parameter in model.parameters() if parameter.ndim >= 2]

    def __call__(self, outputs: Tensor | tuple[Tensor, ...], labels: Tensor) -> LossValues:
        """Compute the losses of logits (B, classes), or of a tuple of the main and auxiliary ones,
        against labels (B,), or against the shares of the classes (B, classes).
        """
        logits, *auxiliary = outputs if isinstance(outputs, tuple) else (outputs,)
        main = self._main_loss(logits, labels)
        total = main + self._penalty()
        for head_logits in auxiliary:
            total = total + self._spec.aux_weight * self._main_loss(head_logits, labels)
        return LossValues(total, main, logits)

    @staticmethod
    def _cross_entropy(spec: CrossEntropy) -> Callable[[Tensor, Tensor], Tensor]:
        return partial(functional.cross_entropy, label_smoothing=spec.label_smoothing)

    def _penalty(self) -> Tensor | float:
        l1: Tensor | float = 0.0
        l2: Tensor | float = 0.0
        if self._spec.l1:
            l1 = self._spec.l1 * sum(matrix.abs().sum() for matrix in self._matrices)
        if self._spec.l2:
            l2 = self._spec.l2 * sum(matrix.square().sum() for matrix in self._matrices)
        return l1 + l2


def _own_loss(spec: OwnLoss) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the user's own loss of logits (B, classes) and labels, checked to be a scalar."""
    function = own_function(spec.name, ("logits", "labels"), spec.options)

    def checked(logits: Tensor, labels: Tensor) -> Tensor:
        loss = function(logits, labels)
        if not isinstance(loss, Tensor) or loss.ndim:
            found = f"a tensor of {tuple(loss.shape)}" if isinstance(loss, Tensor) else repr(loss)
            raise part_failure(spec.name, f"must return a scalar tensor; found {found:.60}")
        return loss

    return checked
