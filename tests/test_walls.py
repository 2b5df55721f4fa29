"""Data flows one way, search_spaces <- study <- analysis, and heavy libraries stay where they belong."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COMPOSITION = {"study/api.py", "study/cli.py"}  # where running and analyzing come together for a user
FILES = sorted(path for package in ("search_spaces", "study", "analysis") for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, at its top or inside its functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def uses(path: Path, *packages: str) -> set[str]:
    return {name for name in imported(path) if name.split(".")[0] in packages}


def within(path: Path, folder: str) -> bool:
    return path.is_relative_to(ROOT / folder)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_keep_to_their_side(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    if within(path, "search_spaces"):
        assert not uses(path, "study", "analysis", "torch", "ray")
    if within(path, "study") and name not in COMPOSITION and not within(path, "study/commands"):
        assert not uses(path, "analysis")
    if within(path, "study/training"):
        assert not uses(path, "ray", "optuna", "typer", "rich")
    if within(path, "analysis"):
        assert not uses(path, "torch", "torchvision", "ray", "optuna")
        ours = {other for other in uses(path, "study") if other.count(".") == 1}
        allowed = {
            "records",
            "paths",
            "journal",
            "errors",
            "files",
            "spec",
            "training",
            "log",
            "outcomes",
            "places",
            "ranking",
            "sections",
            "text",
            "values",
        }
        assert {other.split(".")[1] for other in ours} <= allowed
    if name != "study/training/vision.py":
        assert not uses(path, "torchvision"), "torchvision comes through study.training.vision"
    assert not uses(path, "pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal")


RAY = {f"study/{name}.py" for name in ("trial", "executor", "connection", "cluster", "job", "preflight")}
OPTUNA = {"study/optuna_export.py", "study/commands/writing.py"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_ray_and_optuna_are_known_to_few_files(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    assert name in RAY or not uses(path, "ray")
    sampling = within(path, "study/sampling") or within(path, "search_spaces")
    assert sampling or name in OPTUNA or not uses(path, "optuna")


def loaded_by(code: str, *modules: str) -> list[str]:
    """Which of ``modules`` a fresh interpreter has loaded after ``code``."""
    check = f"import sys\n{code}\nprint(*[m for m in {modules!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.split()


@pytest.mark.parametrize(
    "code",
    [
        "import study, search_spaces, analysis",
        "import analysis.query",
        "import study.cli",
        "from study.spec import load_spec; load_spec('quickstart')",
        "import study.training.recipe",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(code: str) -> None:
    assert loaded_by(code, "torch", "ray", "optuna", "torchvision") == []
