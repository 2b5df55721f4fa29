"""The state that a training function hands over: what it may hold, a copy of it, and how often it
is saved.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from search_spaces.validation import describe

_SCALARS = (str, int, float, bool, complex, bytes, bytearray, type(None))
_TORCH_KINDS = (torch.Tensor, torch.nn.Parameter, torch.Size, torch.dtype, torch.device)
_MAPPINGS = (dict, OrderedDict, Counter)  # a Counter is in MultiStepLR's state
_KEYS = (str, int, float, bool, type(None))
_SEQUENCES = (list, tuple, set)
_MOST_LEVELS = 100
_SHARE_OF_TIME = 0.05


def check_state(state: object) -> None:
    """Raise TypeError, naming the place, where a state holds more than tensors and plain data."""
    if not isinstance(state, Mapping):
        raise TypeError(
            "state must be a dict, such as {'model': model.state_dict()}; found"
            f" {type(state).__name__}"
        )
    _check(state, "state", 0)


def _check(value: object, place: str, level: int) -> None:
    kind = type(value)
    if level > _MOST_LEVELS:
        raise TypeError(
            f"state must be at most {_MOST_LEVELS} levels deep; {place[:60]}… is deeper"
        )
    if kind in _SCALARS or kind in _TORCH_KINDS:
        return
    if kind in _MAPPINGS:
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) not in _KEYS:
                raise TypeError(f"{place} must have text or numbers as keys; found {_kind(key)}")
            _check(item, f"{place}[{describe(key)}]", level + 1)
        for name, item in getattr(value, "__dict__", {}).items():
            _check(item, f"{place}.{name}", level + 1)
    elif kind in _SEQUENCES:
        for index, item in enumerate(value):  # type: ignore[arg-type]
            _check(item, f"{place}[{index}]", level + 1)
    else:
        raise TypeError(
            f"{place} must be a tensor or plain data (text, numbers, true, false, None, lists,"
            f" dicts), so that reading it runs no code; found {_kind(value)}{_advice(value)}"
        )


def _kind(value: object) -> str:
    module = type(value).__module__
    return f"{'' if module == 'builtins' else module + '.'}{type(value).__qualname__}"


def _advice(value: object) -> str:
    """Return how what can't be saved could be, as the end of a sentence."""
    if callable(getattr(value, "state_dict", None)):
        return "; give its .state_dict()"
    if type(value).__module__ == "numpy":
        array = getattr(value, "shape", ()) != ()
        return "; give torch.from_numpy(…)" if array else "; give its .item()"
    if isinstance(value, Mapping):
        return "; give dict(…)"
    return ""


def copy_state(value: Any) -> Any:
    """Return a state's copy in the CPU's memory, which further training doesn't change."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        copied = type(value)()
        for key, item in value.items():  # update would count the pairs, in a Counter
            copied[key] = copy_state(item)  # type: ignore[index]
        if isinstance(value, OrderedDict):
            vars(copied).update(vars(value))  # a module's state_dict has versions there
        return copied
    if type(value) in _SEQUENCES:
        return type(value)(copy_state(item) for item in value)
    return value


class SavingPace:
    """Says when a state is saved: as often as that takes 5 % of the training's time at most."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._spent_s = 0.0
        self._last_cost_s = 0.0

    def is_due(self) -> bool:
        """Whether saving now would stay within its share, as far as the last time tells."""
        trained_s = self._clock() - self._began
        return self._spent_s + self._last_cost_s <= _SHARE_OF_TIME * trained_s

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Count what is done in the block as the cost of saving."""
        began = self._clock()
        yield
        self._last_cost_s = self._clock() - began
        self._spent_s += self._last_cost_s
