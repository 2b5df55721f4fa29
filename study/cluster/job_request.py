"""What a job of a cluster is asked to do: which study to run or to go on with, and how."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from study.spec.load import load_spec
from study.spec.spec import StudySpec

REQUEST_VARIABLE = "STUDY_JOB_REQUEST"
"""The environment variable in which a job finds its request."""


@dataclass(frozen=True)
class JobRequest:
    """Asks a job to run a study file, or to go on with a study of the storage."""

    name: str
    storage: str
    study_file: str = ""
    """The text of the study file; empty to go on with the study that is there."""
    version: str = ""
    """The version of ray-study that every node must have; empty where the job brings its own."""
    retries: int = 3
    """How often a driver that died is followed by another one."""
    extension: Mapping[str, Any] = field(default_factory=dict)
    """For a study that is there: ``points``, ``replicates`` and ``sets`` that extend it."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """``data_dir``, ``keep_going``, ``wait_for_nodes``, ``accept_loss`` and ``trust`` of
    ``study.execution.run.RunOptions``.
    """

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> JobRequest:
        return cls(**json.loads(text))

    def spec(self) -> StudySpec:
        """Read the study file."""
        with tempfile.TemporaryDirectory() as folder:
            return load_spec(self.write_study_file(Path(folder)))

    def write_study_file(self, folder: Path) -> Path:
        """Write the study file into a folder, under the study's name."""
        path = folder / f"{self.name}.yaml"
        path.write_text(self.study_file)
        return path
