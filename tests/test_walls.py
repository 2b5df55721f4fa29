"""Data flows one way, search_spaces <- study <- analysis <- doors, and heavy libraries stay where
they belong.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(
    path
    for package in ("search_spaces", "study", "analysis")
    for path in (ROOT / package).rglob("*.py")
)
FOLDERS = sorted({path.parent for path in FILES})
MOST_ENTRIES = 15


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


@cache
def imported(path: Path) -> frozenset[str]:
    """Every module that a file imports, at its top or inside its functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def uses(path: Path, *packages: str) -> set[str]:
    return {name for name in imported(path) if name.split(".")[0] in packages}


@cache
def ours(path: Path) -> frozenset[str]:
    """Those of our own modules that a file imports; ``from study import lifecycle`` means the
    module alone.
    """
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in MODULES}
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= whole & MODULES.keys()
            found |= {node.module} if whole - MODULES.keys() else set()
    return frozenset(found)


def within(path: Path, folder: str) -> bool:
    return path.is_relative_to(ROOT / folder)


def is_door(path: Path) -> bool:
    """Doors may import everything, and nothing imports them."""
    return within(path, "study/cli") or path == ROOT / "study" / "__init__.py"


SEEN_BY_ANALYSIS = {
    "study.errors",
    "study.files.atomic",
    "study.files.layout",
    "study.files.object_store",
    "study.inspection.format",
    "study.journal.history",
    "study.journal.journal",
    "study.journal.log_storage",
    "study.journal.ranking",
    "study.spec.load",
    "study.spec.recipe_paths",
    "study.spec.sections",
    "study.spec.spec",
}
VISION = "study/training/runtime/torchvision.py"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_keep_to_their_side(path: Path) -> None:
    if within(path, "search_spaces"):
        assert not uses(path, "study", "analysis", "torch", "ray")
    if within(path, "study") and not is_door(path):
        assert not uses(path, "analysis")
    if within(path, "study/training"):
        assert not uses(path, "ray", "optuna", "typer", "rich")
    if within(path, "analysis"):
        assert not uses(path, "torch", "torchvision", "ray", "optuna")
        theirs = {module for module in ours(path) if module.startswith("study.")}
        free = {
            module for module in theirs if module.startswith(("study.training.", "study.results."))
        }
        assert theirs - free <= SEEN_BY_ANALYSIS
    if path != ROOT / VISION:
        assert not uses(path, "torchvision"), (
            "torchvision comes through study.training.runtime.torchvision"
        )
    assert not uses(path, "pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_imports_a_door(path: Path) -> None:
    doors = {module for module in ours(path) if is_door(MODULES[module])}
    assert not doors or within(path, "study/cli")
    assert "study" not in doors


RAY = {
    "study/cluster/client.py",
    "study/cluster/job.py",
    "study/cluster/preflight.py",
    "study/execution/ray_runtime.py",
    "study/execution/tune_executor.py",
    "study/execution/tune_worker.py",
}
OPTUNA = {"study/inspection/export_optuna.py", "study/cli/export.py"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_ray_and_optuna_are_known_to_few_files(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    assert name in RAY or not uses(path, "ray")
    sampling = within(path, "study/sampling") or within(path, "search_spaces")
    assert sampling or name in OPTUNA or not uses(path, "optuna")


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """One way round, where there is one."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_file_imports_itself_by_way_of_others() -> None:
    assert not circle({module: set(ours(path)) - {module} for module, path in MODULES.items()})


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_between_the_entries_of_a_folder_imports_go_one_way(folder: Path) -> None:
    """A folder within it counts as one: where it is used by another entry, none of its files uses
    that one.
    """
    within_it = f"{module_of(folder / '__init__.py')}."

    def entry(module: str) -> str:
        return module.removeprefix(within_it).partition(".")[0]

    arrows: dict[str, set[str]] = defaultdict(set)
    for module, path in MODULES.items():
        if module.startswith(within_it):
            arrows[entry(module)] |= {
                entry(other) for other in ours(path) if other.startswith(within_it)
            }
    for name, others in arrows.items():
        others.discard(name)
    assert not circle(arrows)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_folder_has_few_entries(folder: Path) -> None:
    """Files and packages count; ``__init__.py``, ``py.typed`` and folders of data do not."""
    entries = {
        entry.name
        for entry in folder.iterdir()
        if (entry / "__init__.py").exists()
        or (entry.is_file() and entry.name not in ("__init__.py", "py.typed"))
    }
    assert len(entries) <= MOST_ENTRIES, sorted(entries)


def loaded_by(code: str, *modules: str) -> list[str]:
    """Which of ``modules`` a fresh interpreter has loaded after ``code``."""
    check = f"import sys\n{code}\nprint(*[m for m in {modules!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    "code",
    [
        "import study, search_spaces, analysis",
        "import analysis.results",
        "import study.cli.main",
        "from study.spec.load import load_spec; load_spec('quickstart')",
        "import study.training.recipe.recipe",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(code: str) -> None:
    assert loaded_by(code, "torch", "ray", "optuna", "torchvision") == []
