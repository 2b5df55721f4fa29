"""Frames that many tables and plots of one report ask for: made once for all of them.

Elsewhere each is made whenever it is asked for: who has loaded studies may change their frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import pandas as pd

from analysis.frames import Frames

_P = ParamSpec("_P")
_Maker = Callable[Concatenate[Frames, _P], pd.DataFrame]
_made: ContextVar[dict[Any, pd.DataFrame] | None] = ContextVar("made", default=None)


@contextmanager
def frames_made_once() -> Iterator[None]:
    """Have frames made once for the length of the block, in which nobody changes what is loaded."""
    token = _made.set({})
    try:
        yield
    finally:
        _made.reset(token)


def remembered(make: _Maker[_P]) -> _Maker[_P]:
    """Have a function make its frame once for the same loaded studies and further arguments, within
    ``frames_made_once``.

    Each caller has a frame of its own to change: what they share is copied as it is written to.
    """

    @wraps(make)
    def made_once(results: Frames, /, *args: _P.args, **kwargs: _P.kwargs) -> pd.DataFrame:
        made = _made.get()
        if made is None:
            return make(results, *args, **kwargs)
        asked = (make, results, args, tuple(sorted(kwargs.items())))
        if asked not in made:
            made[asked] = make(results, *args, **kwargs)
        return made[asked].copy(deep=False)

    return made_once
