"""ray-study: distributed hyperparameter studies of image classifiers.

>>> import study
>>> done = study.run("quickstart")
>>> done.best, done.results.points
>>> study.load("quickstart").table("effects")

What stands behind a name is loaded when the name is asked for. The names are for users: no module
of the package imports them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.results import load
    from study.integrations.python.studies import (
        add,
        drop,
        explain,
        export,
        preview,
        replay,
        resume,
        retry,
        run,
        share,
        status,
        stop,
    )
    from study.training.data.datasets import DataSet
    from study.training.own.session import Session
    from study.training.runtime.failures import Stopped

_MODULES = {
    "run": "study.integrations.python.studies",
    "resume": "study.integrations.python.studies",
    "retry": "study.integrations.python.studies",
    "add": "study.integrations.python.studies",
    "drop": "study.integrations.python.studies",
    "share": "study.integrations.python.studies",
    "stop": "study.integrations.python.studies",
    "status": "study.integrations.python.studies",
    "preview": "study.integrations.python.studies",
    "export": "study.integrations.python.studies",
    "explain": "study.integrations.python.studies",
    "replay": "study.integrations.python.studies",
    "load": "analysis.results",
    "DataSet": "study.training.data.datasets",
    "Session": "study.training.own.session",
    "Stopped": "study.training.runtime.failures",
}
"""Where the names come from that are loaded when they are asked for."""

__all__ = [
    "DataSet",
    "Session",
    "Stopped",
    "add",
    "drop",
    "explain",
    "export",
    "load",
    "preview",
    "replay",
    "resume",
    "retry",
    "run",
    "share",
    "status",
    "stop",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'study' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
