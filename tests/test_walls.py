"""Folders stay small, and heavy libraries stay unloaded; who may import whom is a contract of
``make check``, in pyproject.toml.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("search_spaces", "study", "analysis")
FOLDERS = sorted({path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")})
MOST_ENTRIES = 15


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


@pytest.mark.parametrize(
    "code", ["import study.cli.main", "import study.inspection.status, analysis.rendering"]
)
def test_to_start_and_to_list_studies_takes_nothing_of_study_files_and_figures(code: str) -> None:
    assert loaded_by(code, "pydantic", "ruamel.yaml", "numpy", "study.spec.load") == []


def test_a_query_loads_no_frames_and_a_table_no_laws() -> None:
    assert loaded_by("import analysis.sql", "pandas", "pyarrow.compute", "study.spec.load") == []
    interval = "from analysis import statistics; statistics.mean([1.0, 2.0, 4.0])"
    assert loaded_by(interval, "scipy.stats", "pandas") == []
