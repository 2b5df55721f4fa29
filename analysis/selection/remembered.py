"""Frames that many tables and plots of one report ask for: made once for the studies loaded."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from weakref import WeakKeyDictionary

import pandas as pd

from analysis.frames import Frames

_P = ParamSpec("_P")
_Maker = Callable[Concatenate[Frames, _P], pd.DataFrame]


def remembered(make: _Maker[_P]) -> _Maker[_P]:
    """Have a function make its frame once for the same loaded studies and further arguments.

    Each caller has a frame of its own to change: what they share is copied as it is written to.
    """
    made: WeakKeyDictionary[Frames, dict[object, pd.DataFrame]] = WeakKeyDictionary()

    @wraps(make)
    def made_once(results: Frames, /, *args: _P.args, **kwargs: _P.kwargs) -> pd.DataFrame:
        of_studies = made.setdefault(results, {})
        asked = (args, tuple(sorted(kwargs.items())))
        if asked not in of_studies:
            of_studies[asked] = make(results, *args, **kwargs)
        return of_studies[asked].copy(deep=False)

    return made_once
