"""``python -m tests.simulation.mutants``: plants each fault in a copy of the project, plays seeds
there, and says which one finds it.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

from .planted import MUTANTS, Mutant

ROOT = Path(__file__).parents[3]
COPIED = ("study", "search_spaces", "analysis", "tests")
HEAVY = (
    "torch",
    "optuna",
    "pyarrow.parquet",
    "obstore",
    "pydantic",
    "ruamel.yaml",
    "greenlet",
    "scipy.stats",
)
"""Libraries that are loaded once for all."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="how many seeds are played")
    parser.add_argument("--jobs", type=int, default=2, help="in so many processes")
    parser.add_argument("--only", default="", help="plant those alone whose fault has this in it")
    words = parser.parse_args()
    for name in HEAVY:
        importlib.import_module(name)
    gc.freeze()
    chosen = [mutant for mutant in MUTANTS if words.only in mutant.fault]
    played = [(mutant, words.count) for mutant in chosen if not mutant.found_by]
    for mutant in chosen:
        if mutant.found_by:
            print(f"{mutant.fault}\n    by {mutant.found_by}", flush=True)
    survivors = []
    with get_context("fork").Pool(words.jobs, maxtasksperchild=1) as pool:
        for fault, told, is_found in pool.imap_unordered(find, played, chunksize=1):
            print(f"{fault}\n    {told}", flush=True)
            if not is_found:
                survivors.append(fault)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} found")
    for fault in survivors:
        print(f"not found: {fault}")
    return int(bool(survivors))


def find(what: tuple[Mutant, int]) -> tuple[str, str, bool]:
    """Plant a fault and play seeds until one fails, in a process that does nothing else; return the
    fault, which seed has found it and how, and whether one has.
    """
    mutant, count = what
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        plant(mutant, Path(folder))
        seed, error = first_failure(folder, count)
        os.chdir(ROOT)
    told = f"seed {seed}: {error:.150}" if error else f"not found by {count} seeds"
    return mutant.fault, told, bool(error)


def plant(mutant: Mutant, folder: Path) -> None:
    """Copy the project into a folder, with a fault in it."""
    for name in COPIED:
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "golden")
        )
    file = folder / mutant.file
    content = file.read_text()
    assert content.count(mutant.before) == 1, mutant.fault
    file.write_text(content.replace(mutant.before, mutant.after))


def first_failure(folder: str, count: int) -> tuple[int, str]:
    """Play seeds with the project as it lies in a folder; return the first that fails, and how."""
    forget_modules(COPIED)
    os.chdir(folder)
    sys.path[:] = [folder, *(path for path in sys.path if path not in ("", str(ROOT)))]
    simulation = importlib.import_module("tests.simulation.simulation")
    assert str(simulation.__file__).startswith(folder)
    for seed in range(count):
        failure: str = simulation.simulate(seed).failure
        if failure:
            return seed, failure
    return count, ""


def forget_modules(packages: Sequence[str]) -> None:
    """Have packages be imported anew, from wherever they are found then."""
    for name in list(sys.modules):
        if name.partition(".")[0] in packages:
            del sys.modules[name]


if __name__ == "__main__":
    sys.exit(main())
