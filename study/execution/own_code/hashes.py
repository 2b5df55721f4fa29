"""The hash of an own training's code: whether it is what it was at an earlier attempt.

Code is found as Python would find it, and not imported: the function's module, and what that
imports from beside it, as its import statements say. Of an installed package it is the package's
own modules alone.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

from study.errors import UserError
from study.execution.resources import module_root
from study.journal.history import History
from study.spec.spec import StudySpec

_INSTALLED = ("site-packages", "dist-packages")


def own_code_hash(reference: str) -> str:
    """Return the SHA-256 of the modules behind ``package.module:function``, as hexadecimal text.

    It is empty where they can't be found.
    """
    module = reference.partition(":")[0]
    root = _root_of(module_root(reference))
    if root is None:
        return ""
    whole = hashlib.sha256()
    for name, path in sorted(_modules_from(module, root, module_root(reference)).items()):
        whole.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def recorded_code(spec: StudySpec) -> dict[str, str]:
    """Return the hashes of a study's own functions by their names, of those that are found."""
    hashes = {name: own_code_hash(name) for name in (spec.train, spec.epoch_cost) if name}
    return {name: found for name, found in hashes.items() if found}


def changed_code(spec: StudySpec, history: History) -> list[str]:
    """Return the names of own functions whose code isn't what it was when the study last ran."""
    now = recorded_code(spec)
    changed = []
    for name, found in now.items():
        known = [session.provenance.get("own_code", {}).get(name) for session in history.sessions]
        before = [each for each in known if each]
        if before and before[-1] != found:
            changed.append(name)
    return changed


def check_code_change(spec: StudySpec, history: History, *, accepted: bool) -> str:
    """Return what to say of code that has changed since the study last ran; empty where it hasn't.

    Raises UserError where the study is to be reproducible, unless that is ``accepted``.
    """
    changed = ", ".join(changed_code(spec, history))
    if not changed:
        return ""
    if history.reproducible and not accepted:
        raise UserError(
            f"the code of {changed} has changed since the study last ran, and it is to be"
            " reproducible; go on all the same with --accept-change"
        )
    return f"the code of {changed} has changed since the study last ran"


# -- finding modules -------------------------------------------------------------------


def _root_of(top: str) -> Path | None:
    """Return the folder in which a top-level module or package lies; None where there is none."""
    found = PathFinder.find_spec(top, [*sys.path, str(Path.cwd())])
    if found is None:
        return None
    if found.submodule_search_locations:
        return Path(next(iter(found.submodule_search_locations))).parent
    return Path(found.origin).parent if found.origin else None


def _modules_from(module: str, root: Path, top: str) -> dict[str, Path]:
    """Return the files of a module and of all that it imports below ``root``, by their names."""
    is_installed = any(part in root.parts for part in _INSTALLED)
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if is_installed and name.partition(".")[0] != top:
            continue
        for part in _with_parents(name):
            path = _file_of(part, root)
            if path is not None and part not in found:
                found[part] = path
                waiting += _imports_of(part, path)
    return found


def _with_parents(module: str) -> list[str]:
    """Return a module and the packages that it lies in, the outermost first."""
    parts = module.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _file_of(module: str, root: Path) -> Path | None:
    place = root.joinpath(*module.split("."))
    for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


def _imports_of(module: str, path: Path) -> Iterator[str]:
    """Give the names of what a module imports, members of modules among them."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _imported_from(node, package)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _imported_from(node: ast.ImportFrom, package: str) -> str:
    """Return the full name of the module that a ``from`` statement names."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    outer = parts[: len(parts) - node.level + 1]
    return ".".join([*outer, *([node.module] if node.module else [])])
