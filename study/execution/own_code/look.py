"""Looks at the code that a study file names before anything is launched.

It is imported in a process of its own, so that what it does there, and how long it takes, is no
affair of the command's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from search_spaces.validation import Fault
from study.execution.resources import module_root
from study.spec.checks.own_checks import missing_faults, unlisted_faults
from study.spec.spec import StudySpec

_LOOKER = "study.execution.own_code.looker"
_LONGEST_LOOK_S = 60.0
"""Importing torch takes seconds, on a busy machine many."""


@dataclass(frozen=True)
class Look:
    """What was found of a study's code."""

    faults: tuple[Fault, ...] = ()
    """At their paths in the study file."""
    notes: tuple[str, ...] = ()
    """What could not be looked at."""
    schema: dict[str, Any] | None = None
    """The JSON Schema of the config, where that is typed."""


def look_at_code(spec: StudySpec, *, imports: bool = True, elsewhere: bool = False) -> Look:
    """Return what is at fault with the own training of a study; nothing where it has none.

    Without ``imports`` no code is loaded. ``elsewhere`` says that the study runs on other machines,
    so that its module needn't be here.
    """
    if spec.train is None:
        return Look()
    if not imports:
        return Look(_unknown_faults(spec))
    top = module_root(spec.train)
    if elsewhere and not _is_here(top):
        note = f"train: there is no module {top} here; the cluster's nodes must have it"
        return Look(_unknown_faults(spec), (note,))
    return _look_in_a_process(spec)


def _unknown_faults(spec: StudySpec) -> tuple[Fault, ...]:
    """Return what is at fault with a config of which nothing is known but what the file says."""
    return (*unlisted_faults(spec, ()), *missing_faults(spec))


def _is_here(module: str) -> bool:
    folders = [str(Path.cwd()), *sys.path]
    return module in sys.builtin_module_names or PathFinder.find_spec(module, folders) is not None


def _look_in_a_process(spec: StudySpec) -> Look:
    assert spec.train is not None
    with tempfile.TemporaryDirectory(prefix="study-look-") as folder:
        answer = Path(folder) / "answer.json"
        words = [sys.executable, "-m", _LOOKER, str(answer)]
        try:
            done = subprocess.run(
                words,
                input=json.dumps(spec.tree()),
                text=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_LONGEST_LOOK_S,
                env=_environment(),
                check=False,
            )
        except subprocess.TimeoutExpired:
            unknown = f"train: {spec.train} took more than {_LONGEST_LOOK_S:.0f} s to be imported"
            return Look(notes=(f"{unknown}: it was not looked at",))
        if not answer.exists():
            found = f"its import has ended the process ({done.returncode})"
            return Look((Fault(("train",), "must be importable", found),))
        return _look_of(spec, json.loads(answer.read_text()))


def _environment() -> dict[str, str]:
    """Return this process's environment, with the folders in which it finds modules."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _look_of(spec: StudySpec, answer: dict[str, Any]) -> Look:
    faults = [Fault(**{**fault, "path": tuple(fault["path"])}) for fault in answer["faults"]]
    fields = answer["fields"]
    others = _unknown_faults(spec) if fields is None else unlisted_faults(spec, fields)
    known = {fault.path for fault in faults}
    faults += [fault for fault in others if fault.path not in known]
    return Look(tuple(faults), schema=answer["schema"])
