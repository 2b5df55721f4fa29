"""What the commands do, as functions: the one place where running a study and analyzing it come together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.query import Results
    from study.driver import Ended
    from study.paths import StudyPaths
    from study.places import Place
    from study.records import History
    from study.spec import StudySpec


def run(source: str | Path | StudySpec, **options: Any) -> Ended:
    """Run a study file, a shipped study by name, or a spec, to its end and into its tables.

    Takes ``storage``, ``name``, ``sets`` and ``points`` as ``study.lifecycle.run`` does, and the fields of
    ``study.driver.Options``.
    """
    from study import lifecycle

    return lifecycle.run(source, **with_options(options))


def resume(name: str, **options: Any) -> Ended:
    """Go on with a study; takes what ``study.lifecycle.resume`` does, and the fields of ``study.driver.Options``."""
    from study import lifecycle

    return lifecycle.resume(name, **with_options(options))


def retry(name: str, trials: Sequence[int] | None = None, **options: Any) -> Ended:
    """Run failed trials again: those named, or all."""
    from study import lifecycle

    return lifecycle.retry(name, trials, **with_options(options))


def load(name: str, *, storage: str | Place = "studies") -> Results:
    """A study's points, trials and epochs as data frames, whether it is finished or not."""
    from analysis.query import load as load_results
    from study.lifecycle import existing

    return load_results(existing(name, storage))


def with_options(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments with those that are Options' fields gathered in one; tables are kept fresh while a study runs."""
    from analysis.collect import collect
    from study.driver import Options

    names = {option.name for option in fields(Options)}
    chosen = {name: value for name, value in arguments.items() if name in names}
    others = {name: value for name, value in arguments.items() if name not in names}

    def keep_fresh(paths: StudyPaths, history: History) -> None:
        collect(paths, history=history)

    return others | {"options": Options(**({"collect": keep_fresh} | chosen))}
