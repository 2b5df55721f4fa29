"""What workers that train one model have to say to each other.

``Alone`` says nothing; ``Together`` speaks through torch.distributed. Tensors go by the group of
the device's backend, words by one of gloo, so that neither waits for the other.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, Self, TypeVar

import torch
from torch import Tensor, distributed

from study.training.runtime.failures import TrainingFailure
from study.training.runtime.team.loss import LOST_OTHERS
from study.training.runtime.team.place import ALONE, Place

T = TypeVar("T")


class Team(Protocol):
    """The workers that train one model, as one of them sees them."""

    place: Place

    def add_up(self, values: Tensor) -> Tensor:
        """Return the sum of all workers' tensors of one shape, the same to the bit for all."""
        ...

    def gather(self, rows: Tensor | None) -> Tensor:
        """Return all workers' rows, in the workers' order; None where one has none."""
        ...

    def agree(self, value: T) -> T:
        """Return the first worker's value, plain data, in the place of each one's own."""
        ...

    def hand_out(self, state: T) -> T:
        """Return the first worker's state, plain values and tensors; the others' are dropped."""
        ...

    def level(self, tensors: Iterable[Tensor]) -> None:
        """Give all workers the first one's values of these tensors, in place."""
        ...


class Alone:
    """Off: one worker, who agrees with itself."""

    place = ALONE

    def add_up(self, values: Tensor) -> Tensor:
        return values

    def gather(self, rows: Tensor | None) -> Tensor:
        if rows is None:
            raise ValueError("there are no rows to gather")
        return rows

    def agree(self, value: T) -> T:
        return value

    def hand_out(self, state: T) -> T:
        return state

    def level(self, tensors: Iterable[Tensor]) -> None:
        pass


class Together:
    """One of several workers, which must all call the same methods in the same order.

    A connection that is lost is a TrainingFailure with ``LOST_OTHERS``.
    """

    def __init__(
        self,
        place: Place,
        tensors: distributed.ProcessGroup | None = None,
        words: distributed.ProcessGroup | None = None,
    ) -> None:
        """Groups that are left out are the default one."""
        self.place = place
        self._tensors = tensors
        self._words = words

    def __deepcopy__(self, memo: Mapping[int, Any]) -> Self:
        """A model that is copied speaks through the same connection."""
        return self

    def add_up(self, values: Tensor) -> Tensor:
        total = values.detach().clone(memory_format=torch.contiguous_format)
        with self._connected():
            distributed.all_reduce(total, group=self._tensors)
        return total

    def gather(self, rows: Tensor | None) -> Tensor:
        counts = torch.zeros(self.place.workers, dtype=torch.int64)
        counts[self.place.rank] = 0 if rows is None else len(rows)
        with self._connected():
            distributed.all_reduce(counts, group=self._words)
        form = self._form_of(rows, first=int(counts.nonzero()[0]))
        begin = int(counts[: self.place.rank].sum())
        device = rows.device if rows is not None else self._device()
        gathered = torch.zeros(
            int(counts.sum()), *form["shape"], dtype=getattr(torch, form["dtype"]), device=device
        )
        if rows is not None:
            gathered[begin : begin + len(rows)] = rows
        with self._connected():
            distributed.all_reduce(gathered, group=self._tensors)
        return gathered

    def _form_of(self, rows: Tensor | None, first: int) -> dict[str, Any]:
        """Return what rows are like, as the first worker that has some says it."""
        form = None
        if rows is not None and self.place.rank == first:
            name = str(rows.dtype).removeprefix("torch.")
            form = json.dumps({"shape": list(rows.shape[1:]), "dtype": name}).encode()
        told: dict[str, Any] = json.loads(self._told(form, first))
        return told

    def _device(self) -> torch.device:
        backend = distributed.get_backend(self._tensors)
        return torch.device("cuda" if backend == "nccl" else "cpu")

    def agree(self, value: T) -> T:
        said = json.dumps(value).encode() if self.place.is_first else None
        agreed: T = json.loads(self._told(said))
        return agreed

    def hand_out(self, state: T) -> T:
        said = None
        if self.place.is_first:
            buffer = io.BytesIO()
            torch.save(state, buffer)
            said = buffer.getvalue()
        told = self._told(said)
        if self.place.is_first:
            return state
        handed: T = torch.load(io.BytesIO(told), weights_only=True, map_location="cpu")
        return handed

    def level(self, tensors: Iterable[Tensor]) -> None:
        with self._connected():
            for tensor in tensors:
                leveled = tensor.detach().contiguous()
                distributed.broadcast(leveled, 0, group=self._tensors)
                tensor.detach().copy_(leveled)

    def _told(self, said: bytes | None, speaker: int = 0) -> bytes:
        """Return the bytes that one of the workers says."""
        length = torch.tensor([len(said or b"")])
        with self._connected():
            distributed.broadcast(length, speaker, group=self._words)
            content = torch.empty(int(length), dtype=torch.uint8)
            if said is not None:
                content.copy_(torch.frombuffer(bytearray(said), dtype=torch.uint8))
            distributed.broadcast(content, speaker, group=self._words)
        return content.numpy().tobytes()

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:  # torch's own of connections are among its subclasses
            reason = str(error).strip().partition("\n")[0]
            who = f"worker {self.place.rank} of {self.place.workers}"
            raise TrainingFailure(
                "error", f"{who} has lost the others: {reason}", {LOST_OTHERS: True}
            ) from None
