"""The names of what lies in a study's ``trials`` folder: built here, and read back here.

trials/00007.1/                                               point 7, replicate 1
trials/00007.1/checkpoints/attempt-0002-epoch-000003.ckpt     what attempt 2 saved after epoch 3
trials/00007.1/stderr.2.txt                                   the traceback of attempt 2's failure
trials/00007.1/output.2.txt                                   what attempt 2 printed
trials/00007.1/output.2.worker-1.txt                          what the second of its workers did
trials/00007.1/kept/adapter                                   what a training function kept
"""

from __future__ import annotations

import re
from typing import NamedTuple

CHECKPOINTS = "checkpoints"
KEPT = "kept"
CHECKPOINT_PATTERN = "*.ckpt"
CHECKPOINT_PREFIX = "attempt-"

_TRIAL_FOLDER = re.compile(r"(\d+)\.(\d+)")
_CHECKPOINT = re.compile(rf"{CHECKPOINT_PREFIX}(\d{{4,}})-epoch-(\d{{6,}})\.ckpt")
_TEXT = re.compile(r"(?:stderr|output)\.(\d+)(?:\.worker-\d+)?\.txt")


class TrialFolder(NamedTuple):
    """A trial by the name of its folder."""

    point: int
    replicate: int

    @property
    def name(self) -> str:
        return f"{self.point:05d}.{self.replicate}"

    @classmethod
    def parse(cls, name: str) -> TrialFolder | None:
        """Read a name back; None where it is no trial's folder."""
        match = _TRIAL_FOLDER.fullmatch(name)
        return cls(int(match[1]), int(match[2])) if match else None


class CheckpointFile(NamedTuple):
    """A checkpoint by the name of its file; a later attempt's is newer, whatever its epoch."""

    attempt: int
    epoch: int

    @property
    def name(self) -> str:
        return f"{CHECKPOINT_PREFIX}{self.attempt:04d}-epoch-{self.epoch:06d}.ckpt"

    @classmethod
    def parse(cls, name: str) -> CheckpointFile | None:
        """Read a name back; None where it is no checkpoint's."""
        match = _CHECKPOINT.fullmatch(name)
        return cls(int(match[1]), int(match[2])) if match else None


def stderr_name(attempt: int) -> str:
    """Name the file that keeps the traceback of an attempt's failure."""
    return f"stderr.{attempt}.txt"


def output_name(attempt: int) -> str:
    """Name the file that keeps what an attempt printed."""
    return f"output.{attempt}.txt"


def output_of_worker(path: str, rank: int) -> str:
    """Return the file for what another worker prints than the first, whose file is given."""
    return f"{path.removesuffix('.txt')}.worker-{rank}.txt"


def attempt_of_text(name: str) -> int | None:
    """Read the attempt back from such a name; None where it is another file's."""
    match = _TEXT.fullmatch(name)
    return int(match[1]) if match else None
