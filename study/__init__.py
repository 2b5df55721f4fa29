"""ray-study: distributed hyperparameter studies of image classifiers.

>>> import study
>>> result = study.run("quickstart")
>>> results = study.load("quickstart")

What stands behind a name is loaded when the name is asked for. The names are for users: no module
of the package imports them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.results import Results
    from study.files.storage import StorageLike
    from study.lifecycle import resume, retry, run
    from study.training.own.session import Session
    from study.training.runtime.failures import Stopped

_MODULES = {
    "run": "study.lifecycle",
    "resume": "study.lifecycle",
    "retry": "study.lifecycle",
    "Session": "study.training.own.session",
    "Stopped": "study.training.runtime.failures",
}
"""Where the names come from that are loaded when they are asked for."""

__all__ = ["Session", "Stopped", "load", "resume", "retry", "run"]


def load(name: str, *, storage: StorageLike = "studies") -> Results:
    """Load a study's points, trials and epochs as data frames, whether it is finished or not."""
    from analysis.results import load as load_results
    from study.lifecycle import existing

    return load_results(existing(name, storage))


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'study' has no attribute {name!r}")
