"""Two modes of torch that pretend a GPU: values stay real on the CPU, devices are kept in a ledger.

``Kernels`` sees every operation below autograd, forward and backward, and refuses tensors of
different devices in torch's own words. ``Surface`` answers what Python asks of a tensor's device,
and turns the ways of moving one into copies that ``Kernels`` sees.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .ledger import Ledger, Place, is_gpu

GPU = torch.device("cuda", 0)
HOST = torch.device("cpu")
copy_of = torch.ops.aten._to_copy

WAITING = {
    *("_local_scalar_dense", "is_nonzero", "item", "equal", "allclose"),
    *("nonzero", "masked_select", "_unique2", "unique_consecutive", "bincount", "histc"),
}
"""Operations whose result's value or size the host must have."""
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}
"""Operations that take their indices from the host where they have to."""


class Kernels(TorchDispatchMode):
    """Runs each operation on the CPU and keeps book of where its results lie."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger = ledger
        self.is_leaving = False
        """Whether a copy of the moment goes to the host: backward passes name the real device, the
        CPU, where they mean the tensor's own.
        """

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = operation.overloadpacket.__name__
        self.ledger.traffic.calls += 1
        wants_gpu = is_gpu(kwargs.get("device"))
        if wants_gpu:
            kwargs["device"] = HOST
        if name == "copy_":
            return self._copy_over(operation, args, kwargs)
        if name == "_to_copy":
            return self._copy(operation, args, kwargs, wants_gpu)
        return self._compute(operation, name, args, kwargs, wants_gpu)

    def _copy_over(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        target, source, *rest = args
        non_blocking = bool(rest[0] if rest else kwargs.get("non_blocking", False))
        places = self.ledger.place(source), self.ledger.place(target)
        self.ledger.copied(source, *places, non_blocking)
        return operation(*args, **kwargs)

    def _copy(
        self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], wants_gpu: bool
    ) -> Tensor:
        source = args[0]
        place = self.ledger.place(source)
        target = Place.GPU if wants_gpu else place
        if self.is_leaving and not wants_gpu:
            target = Place.HOST
        if target is Place.PINNED:
            target = Place.HOST  # a copy of pinned memory isn't
        self.ledger.copied(source, place, target, bool(kwargs.get("non_blocking")))
        made: Tensor = operation(*args, **kwargs)
        return self.ledger.put(made, Place.GPU) if target is Place.GPU else made

    def _compute(
        self,
        operation: Any,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        wants_gpu: bool,
    ) -> Any:
        tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        on_gpu = [self.ledger.is_on_gpu(each) for each in tensors]
        uses_gpu = wants_gpu or any(on_gpu)
        if any(on_gpu):
            self._check(operation, name, tensors, on_gpu)
        generator = kwargs.get("generator")
        if uses_gpu and generator is not None and generator.device.type == "cpu":
            raise RuntimeError(
                f"Expected a 'cuda' device type for generator but found 'cpu': {name}"
            )
        given = {each.untyped_storage()._cdata for each in tensors}
        result = operation(*args, **kwargs)
        if uses_gpu:
            for made in tree_leaves(result):
                if isinstance(made, Tensor) and made.untyped_storage()._cdata not in given:
                    self.ledger.put(made, Place.GPU)
        return result

    def _check(self, operation: Any, name: str, tensors: list[Tensor], on_gpu: list[bool]) -> None:
        """Refuse a mix of devices, save for the numbers of the host that torch lets in."""
        others = [each for each, is_there in zip(tensors, on_gpu, strict=True) if not is_there]
        weighty = [each for each in others if each.dim()]
        if name in INDEXING and on_gpu[0]:
            if weighty:
                self.ledger.note("copy into the GPU, of indices")
            weighty = []
        is_written_elsewhere = operation._schema.is_mutable and not on_gpu[0]
        if weighty or (is_written_elsewhere and "foreach" not in name):
            shapes = [tuple(each.shape) for each in tensors]
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices,"
                f" cuda:0 and cpu: {name} of {shapes}, on the GPU: {on_gpu}"
            )
        if name in WAITING:
            self.ledger.note(f"read by the host: {name}")


class Surface(TorchFunctionMode):
    """Answers for the devices that tensors are pretended to be on."""

    def __init__(self, ledger: Ledger, kernels: Kernels) -> None:
        super().__init__()
        self.ledger = ledger
        self.kernels = kernels
        self._answers: dict[Any, Callable[..., Any]] = {
            Tensor.get_device: lambda tensor: 0 if ledger.is_on_gpu(tensor) else -1,
            Tensor.is_pinned: lambda tensor, *_: ledger.place(tensor) is Place.PINNED,
            Tensor.pin_memory: self._pinned,
            Tensor.numpy: self._as_array,
            Tensor.tolist: self._as_list,
            Tensor.cpu: lambda tensor, *_, **__: self._moved(tensor, HOST),
            Tensor.cuda: lambda tensor, *_, **__: self._moved(tensor, GPU),
            Tensor.to: self._to,
        }

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        first = args[0] if args else None
        if isinstance(first, Tensor):
            # a getter is a new object each time
            if function == Tensor.device.__get__:  # type: ignore[attr-defined]
                return GPU if self.ledger.is_on_gpu(first) else HOST
            if function == Tensor.is_cuda.__get__:  # type: ignore[attr-defined]
                return self.ledger.is_on_gpu(first)
            if function == Tensor.is_cpu.__get__:  # type: ignore[attr-defined]
                return not self.ledger.is_on_gpu(first)
            answer = self._answers.get(function)
            if answer:
                return answer(*args, **kwargs)
        if function in (torch.tensor, torch.as_tensor) and is_gpu(kwargs.get("device")):
            made = function(*args, **{**kwargs, "device": HOST})
            return copy_of(made, device=GPU)
        if kwargs.get("pin_memory"):
            made = function(*args, **{**kwargs, "pin_memory": False})
            return self.ledger.put(made, Place.PINNED)
        return function(*args, **kwargs)

    def _pinned(self, tensor: Tensor, *_: Any) -> Tensor:
        return self.ledger.put(tensor.clone(), Place.PINNED)

    def _as_array(self, tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
        if self.ledger.is_on_gpu(tensor):
            raise TypeError("can't convert cuda:0 device type tensor to numpy: use Tensor.cpu()")
        return Tensor.numpy(tensor, *args, **kwargs)

    def _as_list(self, tensor: Tensor) -> Any:
        if self.ledger.is_on_gpu(tensor):
            self.ledger.note("read by the host: tolist")
        return Tensor.tolist(tensor)  # type: ignore[no-untyped-call]

    def _to(self, tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if args and isinstance(args[0], Tensor):  # as another tensor is
            pattern = args[0]
            device = GPU if self.ledger.is_on_gpu(pattern) else HOST
            return self._moved(tensor, device, dtype=pattern.dtype)
        copies = kwargs.pop("copy", False)
        parsed = torch._C._nn._parse_to(*args, **kwargs)
        device, dtype, non_blocking, layout = parsed
        options: dict[str, Any] = {"memory_format": layout} if layout else {}
        if device is not None and is_gpu(device) != self.ledger.is_on_gpu(tensor):
            return self._moved(tensor, device, dtype=dtype, non_blocking=non_blocking, **options)
        return Tensor.to(tensor, dtype=dtype or tensor.dtype, copy=copies, **options)

    def _moved(self, tensor: Tensor, device: torch.device, **options: Any) -> Tensor:
        if is_gpu(device) == self.ledger.is_on_gpu(tensor) and not options.get("dtype"):
            return tensor
        self.kernels.is_leaving = not is_gpu(device)
        try:
            return copy_of(tensor, device=device, **options)  # type: ignore[no-any-return]
        finally:
            self.kernels.is_leaving = False
