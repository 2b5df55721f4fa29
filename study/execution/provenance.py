"""What produced a result: code, packages, machine and command, as plain data without secrets."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from study.journal.history import History

_PACKAGES = ("ray-study", "ray", "torch", "torchvision", "optuna", "numpy", "pandas", "pyarrow")


def gather() -> dict[str, Any]:
    """This process's provenance; nothing is imported for it."""
    return {
        "packages": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "processor": processor(),
        "cpus": (
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        ),
        "code": _code_state(),
    }


_OUTSIDE_THE_PROMISE = ("out_of_memory", "timeout", "node", "device", "storage")
"""Failures that depend on the machine and its hour, not on the study file."""


def document(history: History) -> dict[str, Any]:
    """The whole of ``provenance.json``: each driver's session, and what no study file could have
    determined.
    """
    return {
        "study": history.study,
        "reproducible": history.reproducible,
        "sessions": [
            {"session": session.number, "command": session.command, **session.provenance}
            for session in history.sessions
        ],
        "outside_the_promise": [
            {"trial": trial.number, "attempt": attempt.number, "class": attempt.failure["class"]}
            for trial in history.trials
            for attempt in trial.attempts
            if attempt.failure and attempt.failure["class"] in _OUTSIDE_THE_PROMISE
        ],
    }


def command() -> str:
    """The command line, with what follows a word for a secret left out."""
    words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    return " ".join("***" if "token" in word.lower() else word for word in words)


def version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), ""
    )


def _code_state() -> dict[str, Any]:
    """The commit that this package's files are at, and whether they were changed since; empty
    outside a checkout.
    """
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return {}
    try:
        commit = _git(here, "rev-parse", "HEAD")
        return {
            "commit": commit,
            "changed": bool(_git(here, "status", "--porcelain", "--untracked-files=no")),
        }
    except (OSError, subprocess.SubprocessError):
        return {}


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()
