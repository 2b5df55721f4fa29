"""What produced a result: code, packages, machine and command, as plain data without secrets."""

from __future__ import annotations

import json
import os
import platform
import re
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.execution.own_code.hashes import recorded_code
from study.files.layout import StudyPaths
from study.files.visible_text import visible
from study.journal.history import History

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

_PACKAGES = ("ray-study", "ray", "torch", "torchvision", "optuna", "numpy", "pandas", "pyarrow")
_OPTIONS = (
    *("--accept-change", "--accept-loss", "--address", "--data-dir", "--failed", "--keep-going"),
    *("--name", "--no-import", "--points", "--replicates", "--set", "--storage", "--trial"),
    *("--trust", "--wait", "--wait-for-nodes"),
)
"""The options of the commands that drive a study; none has a secret for its value."""
_CREDENTIALS = re.compile(r"(^|=|//)[^/=\s]*@")
"""What stands before the host in an address."""
_OUTSIDE_THE_PROMISE = ("out_of_memory", "timeout", "node", "device", "storage")
"""Failures that depend on the machine and its hour, not on the study file."""


def of_run(spec: StudySpec) -> dict[str, Any]:
    """Describe this process, and how it sets up the study's sampler and pruner."""
    from study.sampling.samplers import effective_options

    sampler = {
        "name": spec.sampler.name,
        "seed": spec.sampler.seed,
        **effective_options(spec.sampler),
    }
    pruner = {"name": spec.pruner.name, **spec.pruner.options}
    found = of_process() | {"sampler": sampler, "pruner": pruner}
    code = recorded_code(spec)
    return found | {"own_code": code} if code else found


def of_process() -> dict[str, Any]:
    """Describe this process: packages, machine, code. No package is imported for it."""
    return {
        "packages": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "processor": processor(),
        "cpus": _usable_cpus(),
        "code": _code_state(),
    }


def write(history: History, paths: StudyPaths) -> None:
    """Write ``provenance.json``: every run of the study, and what no study file determines."""
    paths.provenance.write_whole(json.dumps(document(history), indent=2) + "\n")


def document(history: History) -> dict[str, Any]:
    """Return the content of ``provenance.json`` as plain data."""
    sessions = [
        {"session": session.number, "command": session.command, **session.provenance}
        for session in history.sessions
    ]
    return {
        "study": history.study,
        "reproducible": history.reproducible,
        "sessions": sessions,
        "devices": _devices(history),
        "outside_the_promise": _failures_outside_the_promise(history),
        "left_out_files": _left_out_files(history),
    }


def _devices(history: History) -> list[dict[str, Any]]:
    """List the GPUs that trials ran on, and by what versions of their software."""
    found = {
        (attempt.host, attempt.device, attempt.software): None
        for trial in history.trials
        for attempt in trial.attempts
        if attempt.software
    }
    return [
        {"host": host, "device": device, "software": software} for host, device, software in found
    ]


def _failures_outside_the_promise(history: History) -> list[dict[str, Any]]:
    """List the attempts that failed by the machine's doing, which another run need not repeat."""
    found = []
    for trial in history.trials:
        for attempt in trial.attempts:
            failure = attempt.failure
            if failure and failure.failure_class in _OUTSIDE_THE_PROMISE:
                found.append(
                    {
                        "trial": trial.number,
                        "attempt": attempt.number,
                        "class": failure.failure_class,
                    }
                )
    return found


def _left_out_files(history: History) -> list[dict[str, Any]]:
    """List the trials whose images had files among them that can't be decoded, and how many."""
    counts = {trial.number: trial.summary.get("left_out_files") for trial in history.trials}
    return [{"trial": trial, "files": count} for trial, count in counts.items() if count]


def command() -> str:
    """Return this process's command without secrets.

    Of ``study`` itself these are the words, with what it has no option for left out and names and
    passwords in addresses as well; of any other program only its name, as its words may say
    anything.
    """
    program = Path(sys.argv[0])
    if program.name == "study" or program.parts[-3:] == ("study", "cli", "__main__.py"):
        return visible(" ".join(["study", *_plain_words(sys.argv[1:])]))
    return visible(program.name)


def _plain_words(words: Iterable[str]) -> Iterator[str]:
    """Yield the words of a ``study`` command as they may be recorded."""
    is_value_unknown = False
    for word in words:
        if word.startswith("-"):
            name, _, value = word.partition("=")
            is_known = name in _OPTIONS
            is_value_unknown = not is_known and not value
        else:
            is_known, is_value_unknown = not is_value_unknown, False
        yield _CREDENTIALS.sub(r"\1***@", word) if is_known else "***"


def version(package: str) -> str:
    """Return the version of an installed package, empty where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def processor() -> str:
    """Return the processor's name as its maker writes it, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    for line in lines:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return ""


def _usable_cpus() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _code_state() -> dict[str, Any]:
    """Return the commit of this package's files, and whether they were changed since.

    Outside a git checkout there is nothing to tell: the dictionary is empty.
    """
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / ".git").exists():
        return {}
    try:
        commit = _git(checkout, "rev-parse", "HEAD")
        changes = _git(checkout, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"commit": commit, "changed": bool(changes)}


def _git(checkout: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(checkout), *words], capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()
