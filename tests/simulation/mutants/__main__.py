"""``python -m tests.simulation.mutants``: plants each fault in a copy of the project, plays seeds
there, and says which one finds it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .planted import MUTANTS, Mutant

ROOT = Path(__file__).parents[3]
COPIED = ("study", "search_spaces", "analysis", "tests", "pyproject.toml")
_FAILED = re.compile(r"SEED=(\d+): (.*)")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="how many seeds are played")
    parser.add_argument("--only", default="", help="plant those alone whose fault has this in it")
    words = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if words.only in mutant.fault]
    survivors = [mutant.fault for mutant in chosen if not is_found(mutant, words.count)]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} found")
    for fault in survivors:
        print(f"not found: {fault}")
    return int(bool(survivors))


def is_found(mutant: Mutant, count: int) -> bool:
    """Plant a fault and play seeds until one fails; print which."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = planted(mutant, Path(folder))
        words = ["--count", str(count), "--jobs", "1", "--stop"]
        played = subprocess.run(
            [sys.executable, "-m", "tests.simulation", *words],
            cwd=copy,
            env=os.environ | {"PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            check=False,
        )
    found = _FAILED.search(played.stdout)
    told = f"seed {found[1]}: {found[2]:.150}" if found else f"not found {played.stderr[-300:]}"
    print(f"{mutant.fault}\n    {told}", flush=True)
    return found is not None


def planted(mutant: Mutant, folder: Path) -> Path:
    """Copy the project into a folder with a fault in it; return the folder."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)
    file = folder / mutant.file
    content = file.read_text()
    assert content.count(mutant.before) == 1, mutant.fault
    file.write_text(content.replace(mutant.before, mutant.after))
    return folder


if __name__ == "__main__":
    sys.exit(main())
