"""torch's Adafactor (arXiv:1804.04235) without its waits on a GPU.

torch's reads two norms of each parameter in each step, and the host waits for them: for small_cnn
58 times a step. The same is computed here where the parameters lie. States are torch's own.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Adafactor(torch.optim.Adafactor):
    """On a CPU torch's own, to the last bit."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        parameters = [each for group in self.param_groups for each in group["params"]]
        if closure is not None or parameters[0].device.type == "cpu":
            return super().step(closure)  # type: ignore[no-untyped-call]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group)
        return None

    def _update(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        """Do one step for one parameter; all that it reads lies on the host."""
        state = self.state[parameter] or self._begin(parameter, gradient)
        state["step"] += 1
        step, lr = float(state["step"]), float(group["lr"])
        eps1, eps2 = group["eps"]
        if eps1 is None:
            eps1 = torch.finfo(parameter.dtype).eps
        root_mean_square = parameter.norm(2) / parameter.numel() ** 0.5
        rate = root_mean_square.clamp_(min=eps2) * min(lr, step**-0.5)
        if group["weight_decay"]:
            parameter.mul_(1 - lr * group["weight_decay"])

        variance = _next_variance(state, gradient, step ** group["beta2_decay"], eps1)
        update = variance.clamp_(min=eps1 * eps1).rsqrt_().mul_(gradient)
        size = update.norm(2) / (update.numel() ** 0.5 * group["d"])
        parameter.sub_(update.mul_(rate / size.clamp_(min=1.0)))

    def _begin(self, parameter: Tensor, gradient: Tensor) -> dict[str, Tensor]:
        """Make a parameter's state; its step is counted on the host."""
        state: dict[str, Tensor] = self.state[parameter]
        state["step"] = torch.tensor(0.0)
        if gradient.dim() > 1:
            *others, rows, columns = gradient.shape
            state["row_var"] = gradient.new_zeros([*others, rows, 1])
            state["col_var"] = gradient.new_zeros([*others, 1, columns])
        else:
            state["variance"] = torch.zeros_like(gradient)
        return state


def _next_variance(state: dict[str, Tensor], gradient: Tensor, weight: float, eps: float) -> Tensor:
    """Move the variance of a parameter's gradient towards its newest square; of matrices, that of
    rows and columns, whose product is returned.
    """
    if gradient.dim() <= 1:
        return state["variance"].lerp_(gradient * gradient, weight).clone()
    rows, columns = state["row_var"], state["col_var"]
    rows.lerp_(gradient.norm(dim=-1, keepdim=True).square_().div_(gradient.size(-1)), weight)
    columns.lerp_(gradient.norm(dim=-2, keepdim=True).square_().div_(gradient.size(-2)), weight)
    mean: Tensor = rows.mean(dim=-2, keepdim=True)
    return (rows @ columns).div_(mean.clamp_(min=eps))
