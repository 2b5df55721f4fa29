"""Collects code for nodes that don't have it: this package, and the modules that a study names."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from study.execution.resources import factories, module_root

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

_PACKAGES = ("study", "search_spaces", "analysis")


@contextmanager
def code_package(spec: StudySpec) -> Iterator[Path]:
    """Copy the code that a study needs into a folder, which is gone after the block."""
    root = Path(__file__).resolve().parents[2]
    packages = [root / name for name in _PACKAGES]
    with tempfile.TemporaryDirectory(prefix="study-code-") as name:
        folder = Path(name)
        for source in [*packages, *_own_modules(spec)]:
            _copy(source, folder)
        yield folder


def _copy(source: Path, folder: Path) -> None:
    """Copy a module or package, but no caches and what may be private: hidden files, and whatever
    links inside a package lead to.
    """
    if source.is_dir():
        shutil.copytree(source, folder / source.name, symlinks=True, ignore=_left_out)
    else:
        shutil.copy(source, folder)


def _left_out(folder: str, names: list[str]) -> set[str]:
    return {
        name
        for name in names
        if name.startswith(".") or name == "__pycache__" or Path(folder, name).is_symlink()
    }


def _own_modules(spec: StudySpec) -> list[Path]:
    """Find the modules below the current folder that the study names as ``package.module:name``."""
    names = {module_root(factory) for factory in factories(spec.tree())}
    forms = [Path.cwd() / form for name in sorted(names) for form in (name, f"{name}.py")]
    return [path for path in forms if path.exists() and path.name not in _PACKAGES]
