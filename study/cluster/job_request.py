"""What a job of a cluster is asked to do: which study to run or to go on with, and how."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
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
    retry_failed: bool = False
    """For a study that is there: whether all failed trials run again."""
    retried: Sequence[int] = field(default_factory=list)
    """The failed trials that run again, where not all do."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """``data_dir``, ``keep_going``, ``wait_for_nodes``, ``accept_loss`` and ``trust`` of
    ``study.execution.run.RunOptions``.
    """

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> JobRequest:
        return cls(**json.loads(text))

    def words(self, folder: Path) -> list[str]:
        """Return the words of the command that does what is asked for.

        A study file is written into ``folder``.
        """
        if self.study_file:
            words = ["run", str(self.write_study_file(folder))]
        elif self.retry_failed or self.retried:
            words = ["retry", self.name, *self._retry_words()]
        else:
            words = ["resume", self.name, *self._extension_words()]
        words += ["--storage", self.storage]
        for key, value in self.options.items():
            option = "--" + key.replace("_", "-")
            if value is True:
                words.append(option)
            elif value:
                words += [option, str(value)]
        return words

    def _retry_words(self) -> list[str]:
        return ["--failed"] if self.retry_failed else [f"--trial={each}" for each in self.retried]

    def _extension_words(self) -> list[str]:
        words = [f"--set={text}" for text in self.extension.get("sets", ())]
        for key in ("points", "replicates"):
            value = self.extension.get(key)
            if value is not None:
                words.append(f"--{key}={value}")
        return words

    def going_on(self) -> JobRequest:
        """Return what a driver is asked that follows one that died: trials that ran again have
        begun to.
        """
        return replace(self, retry_failed=False, retried=[])

    def spec(self) -> StudySpec:
        """Read the study file."""
        with tempfile.TemporaryDirectory() as folder:
            return load_spec(self.write_study_file(Path(folder)))

    def write_study_file(self, folder: Path) -> Path:
        """Write the study file into a folder, under the study's name."""
        path = folder / f"{self.name}.yaml"
        path.write_text(self.study_file)
        return path
