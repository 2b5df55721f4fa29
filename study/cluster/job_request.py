"""What a submitted study's job is handed: what it shall run, and how."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from study.spec.load import load_spec
from study.spec.spec import StudySpec


@dataclass(frozen=True)
class Order:
    """What a job shall do: run a study file, or go on with the study in the storage where it has
    none.
    """

    name: str
    storage: str
    study: str = ""
    """The study file's text."""
    version: str = ""
    """The version of ray-study that every node must have; empty where the job brings its own."""
    retries: int = 3
    more: Mapping[str, Any] = field(default_factory=dict)
    """For a resume what it extends: ``points``, ``replicates``, ``sets``."""
    session: Mapping[str, Any] = field(default_factory=dict)
    """``data_dir``, ``keep_going``, ``wait_for_nodes`` and ``accept_loss`` of
    ``study.execution.run.RunOptions``.
    """


def spec_of(order: Order) -> StudySpec:
    """The spec in an order."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"{order.name}.yaml")
        file.write_text(order.study)
        return load_spec(file)
