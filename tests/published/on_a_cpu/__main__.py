"""Runs published trainings up to their first milestones, and writes the table of both figures.

``python -m tests.published.on_a_cpu STORAGE [NAME …] [--keras PYTHON]`` goes on where it was
interrupted; of some alone, by their names, the table is shown and not written. The images are those
of ``STUDY_DATA_DIR``. With the Python of an environment that has
Keras and TensorFlow, Keras itself trains the network of the Keras row too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from .cuts import CUTS, Cut
from .originals import run_original
from .table import cut_table

PAGE = Path(__file__).parents[3] / "docs" / "published-on-a-cpu.md"
MARK = "<!-- from here on written by `make published-cpu` -->\n"


def run(cut: Cut, storage: Path, data_dir: Path) -> None:
    """Run a cut's study to its end, or go on with it; exit where the study's command fails.

    A study whose published figures or notes alone were written otherwise is gone on with.
    """
    file, tree = storage / f"{cut.name}.yaml", cut.tree()
    command = ["run", str(file), "--data-dir", str(data_dir)]
    if (storage / cut.name).is_dir() and trained(yaml.safe_load(file.read_text())) == trained(tree):
        command = ["resume", cut.name, "--data-dir", str(data_dir)]
    file.write_text(yaml.safe_dump(tree, sort_keys=False))
    tool = Path(sys.executable).with_name("study")
    done = subprocess.run([str(tool), *command, "--storage", str(storage)], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def trained(tree: dict[str, Any]) -> dict[str, Any]:
    """Return what a study file trains: all but the published figures."""
    return tree | {"first": [entry["set"] for entry in tree["first"]]}


def write_table(storage: Path) -> None:
    """Write the table of all cuts that have begun behind the page's own words."""
    words = PAGE.read_text().partition(MARK)[0]
    PAGE.write_text(f"{words}{MARK}\n{cut_table(storage).markdown()}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="published-cpu", description=__doc__)
    parser.add_argument("storage", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(c.name for c in CUTS))
    parser.add_argument("--keras", type=Path, metavar="PYTHON")
    parser.add_argument("--table", action="store_true", help="train nothing")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - {cut.name for cut in CUTS}
    if unknown:
        parser.error(f"no training is called {', '.join(sorted(unknown))}")
    data_dir = Path(os.environ.get("STUDY_DATA_DIR", "data"))
    chosen.storage.mkdir(parents=True, exist_ok=True)
    for cut in CUTS:
        if chosen.table or (chosen.names and cut.name not in chosen.names):
            continue
        run(cut, chosen.storage, data_dir)
        if cut.original and chosen.keras:
            run_original(cut, chosen.storage, chosen.keras, data_dir)
    if chosen.names:
        print(cut_table(chosen.storage).text())
    else:
        write_table(chosen.storage)


if __name__ == "__main__":
    main()
