"""The built wheel, installed into an environment that holds nothing else, and tried there.

``make wheel`` builds it into ``dist/`` and runs this, each command named as it begins. With what it
depends on at hand that took 70 s of processor time, most of it pip's: four minutes on two cores with a
load of 5 besides, twenty with one of 30. A download comes on top.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
STUDY = """
study: small
points: 2
recipe: {model: mlp, data: {name: digits, train_images: 200}, epochs: 1}
space: {optimizer: {one_of: {sgd: {lr: {log: [1e-2, 1]}}}}}
"""
PICTURE = "from PIL import Image; Image.new('L', (8, 8), 200).save('gray.png')"
LONGEST_S = 1200
"""A command that takes longer stands still."""
RESULTS = "import study; print(len(study.load('small').points), study.load('small').best().metric)"


def run(folder: Path, *command: str) -> str:
    # nothing of this checkout may be found
    surroundings = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
    print("$", *command, flush=True)
    done = subprocess.run(
        command,
        cwd=folder,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.wheel
def test_the_wheel_works_in_an_empty_environment(tmp_path: Path) -> None:
    [wheel] = (ROOT / "dist").glob("ray_study-*.whl")
    assert wheel.name.startswith(f"ray_study-{VERSION}-")
    run(tmp_path, sys.executable, "-m", "venv", "environment")
    here = tmp_path / "environment" / "bin"
    python, study = str(here / "python"), str(here / "study")
    # only what is imported is compiled, when it is: a tenth of all that comes along
    run(tmp_path, python, "-m", "pip", "install", "--quiet", "--no-compile", str(wheel))

    assert run(tmp_path, study, "--version") == f"ray-study {VERSION}\n"
    run(tmp_path, study, "init", "mine.yaml")
    assert "20 points" in run(tmp_path, study, "preview", "mine.yaml")
    (tmp_path / "small.yaml").write_text(STUDY)
    assert "study small is complete: 2 COMPLETE" in run(tmp_path, study, "run", "small.yaml")
    run(tmp_path, study, "report", "small")
    run(tmp_path, study, "export", "small", "--to", "winner")
    assert run(tmp_path, python, "-c", RESULTS) == "2 val_accuracy\n"
    run(tmp_path, python, "-c", PICTURE)
    assert len(run(tmp_path, python, "winner/load.py", "gray.png").splitlines()) == 5


def test_the_changelog_begins_with_this_version() -> None:
    headings = [
        line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")
    ]
    assert headings[0].split()[1] == VERSION


def test_the_packages_say_that_they_are_typed() -> None:
    for package in ("study", "analysis", "search_spaces"):
        assert (ROOT / package / "py.typed").is_file()
