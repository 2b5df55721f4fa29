"""The first hour on a GPU, in under ten minutes: ``make gpu``.

    python -m tests.bench.first_gpu [--device cuda|cpu] [--to FILE.json] [--minutes 10]

Each part runs in a process of its own, and its result is saved before the next begins. Without a
GPU each says so; ``--device cpu`` tries the parts themselves, small. It needs torch, torchvision
and what ray-study depends on, and no network; CIFAR-10 is looked for in STUDY_DATA_DIR.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from .results import Outcome, Result, Results

LEAST_S = 5.0
"""A part for which no more time is left isn't begun."""


def main() -> int:
    """Run all parts, or in a child process the one that is named."""
    parser = argparse.ArgumentParser(prog="make gpu")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--to", type=Path, default=Path("first_gpu.json"))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        run_part(given.part, given.device, given.to)
        return 0
    return run_all(given.device, given.to, 60 * given.minutes)


def run_all(device: str, file: Path, seconds: float) -> int:
    """Run every part in turn; return 1 where something that must hold doesn't."""
    from .parts import PARTS

    results = Results(file)
    deadline = time.monotonic() + seconds
    lacking = why_no_gpu() if device == "cuda" else ""
    for name, (_, goal, limit_s) in PARTS.items():
        left_s = deadline - time.monotonic()
        if lacking:
            results.add(Result(name, "not measured", lacking, goal))
        elif left_s < LEAST_S:
            results.add(Result(name, "not measured", "no time was left", goal))
        else:
            print(f"{name} …", file=sys.stderr, flush=True)
            results.add(in_its_own_process(name, goal, device, min(limit_s, left_s)))
    print(results.table())
    print(f"\nsaved in {file}")
    return 1 if results.is_any_broken else 0


def why_no_gpu() -> str:
    """Why torch has no GPU here; empty where it has one."""
    import torch

    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except (RuntimeError, AssertionError) as error:
        return f"no GPU: {error}"[:90]
    return ""


def in_its_own_process(name: str, goal: str, device: str, limit_s: float) -> Result:
    """Run one part where it can break nothing else; what it started ends with it."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        command = [sys.executable, "-m", __package__ or "", "--part", name]
        command += ["--device", device, "--to", str(file)]
        child = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        outcome: Outcome = "broken"
        try:
            _, complaint = child.communicate(timeout=limit_s)
            lines = complaint.decode(errors="replace").strip().splitlines()
            found = f"exit {child.returncode}: {' '.join(lines[-1:])}"[:120]
        except subprocess.TimeoutExpired:
            found = f"not done after {limit_s:.0f} s"
        finally:
            end_session(child)
        figures: dict[str, object] = {}
        if file.exists():
            said = json.loads(file.read_text())
            outcome, found, figures = said["outcome"], said["found"], said["figures"]
    return Result(name, outcome, found, goal, time.monotonic() - began, figures)


def end_session(child: subprocess.Popen[bytes]) -> None:
    """End whatever a part has left in its session."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.communicate()


def run_part(name: str, device: str, file: Path) -> None:
    """Run one part here, and write what it found."""
    from .parts import PARTS, Unmeasurable

    part, _, _ = PARTS[name]
    outcome: Outcome
    try:
        holds, words, figures = part(device)
        outcome = "measured" if holds is None else "held" if holds else "broken"
    except Unmeasurable as why:
        outcome, words, figures = "not measured", str(why), {}
    file.write_text(json.dumps({"outcome": outcome, "found": words, "figures": figures}))


if __name__ == "__main__":
    sys.exit(main())
