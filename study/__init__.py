"""ray-study: distributed hyperparameter studies of image classifiers.

>>> import study
>>> ended = study.run("quickstart")
>>> results = study.load("quickstart")
"""

from __future__ import annotations

from typing import Any

__all__ = ["load", "resume", "run"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from study import api

        return getattr(api, name)
    raise AttributeError(f"module 'study' has no attribute {name!r}")
