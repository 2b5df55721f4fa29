"""What the commands do, as functions: the one place where running a study and analyzing it come together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.query import Results
    from study.run import Ended
    from study.spec import StudySpec


def run(source: str | Path | StudySpec, **options: Any) -> Ended:
    """Run a study file, a shipped study by name, or a spec; see ``study.run.run`` for the options."""
    from study import run as running

    return collected(running.run(source, **options))


def resume(name: str, **options: Any) -> Ended:
    """Go on with a study; see ``study.run.resume`` for the options."""
    from study import run as running

    return collected(running.resume(name, **options))


def load(name: str, *, storage: str | Path = "studies") -> Results:
    """A study's points, trials and epochs as data frames, whether it is finished or not."""
    from analysis.query import load as load_results
    from study.run import existing

    return load_results(existing(name, storage).folder)


def collected(ended: Ended) -> Ended:
    """Write the study's Parquet files."""
    from analysis.collect import collect

    collect(ended.paths)
    return ended
