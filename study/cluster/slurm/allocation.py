"""What a study asks Slurm for: the header of its job's script."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from study.errors import UserError

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

_WARNING_S = 120
"""So many seconds before its time is over a job is told to close its study, unless it is short."""
_WARNING_SHARE = 4
"""One part in so many of a short job's time remains after the warning."""
_VALUE = re.compile(r"[\w.,:+@%=/\[\]*-]+", re.ASCII)
_OPTION = re.compile(r"--[a-z][a-z-]*(=[\w.,:+@%=/\[\]*&|\"' -]*)?", re.ASCII)
_TIME = re.compile(r"\d+|\d+:\d\d(:\d\d)?|\d+-\d+(:\d\d){0,2}", re.ASCII)
_OURS = ("--signal", "--requeue", "--no-requeue", "--open-mode", "--ntasks", "--array", "--wrap")
"""Options of sbatch that the script is built on."""


@dataclass(frozen=True)
class Allocation:
    """What each turn of a study is given. What is left out is as the cluster has it."""

    partition: str | None = None
    account: str | None = None
    time: str | None = None
    """The longest that a turn takes, as sbatch takes it: ``30`` minutes, ``4:00:00``, ``1-12``."""
    nodes: int = 1
    cpus: int | None = None
    """Processor cores of each node."""
    gpus: int | None = None
    """GPUs of each node."""
    more: Sequence[str] = ()
    """Other options of sbatch, such as ``--constraint=a100``."""

    @classmethod
    def for_study(
        cls, spec: StudySpec, *, cpus: int | None, gpus: int | None, nodes: int, **more: Any
    ) -> Self:
        """Ask for what all of a study's trials at once take, where it isn't said what a node has.

        A study that doesn't say how many run at once has one.
        """
        wanted = spec.resources
        workers = math.ceil((spec.concurrency or 1) * wanted.workers.most / nodes)
        return cls(
            cpus=math.ceil(wanted.cpus * workers) if cpus is None else cpus,
            gpus=(math.ceil(wanted.gpus * workers) or None) if gpus is None else gpus,
            nodes=nodes,
            **more,
        )

    def __post_init__(self) -> None:
        """Refuse what sbatch would take for something else."""
        for option in ("partition", "account"):
            value = getattr(self, option)
            if value is not None and not _VALUE.fullmatch(value):
                raise UserError(f"--{option}: must be a name that Slurm knows; found {value!r:.80}")
        if self.time is not None and not _TIME.fullmatch(self.time):
            raise UserError(
                "--time: must be minutes, hours:minutes:seconds or days-hours; found"
                f" {self.time!r:.80}"
            )
        for text in self.more:
            _check_option(text)

    @property
    def _warning_s(self) -> int:
        """How many seconds before its end a turn is told to close the study."""
        if self.time is None:
            return _WARNING_S
        return max(1, min(_WARNING_S, seconds_of(self.time) // _WARNING_SHARE))

    def header(self, name: str) -> Iterator[str]:
        """Yield the options of a study's job, one a line."""
        yield f"--job-name={name}"
        yield f"--nodes={self.nodes}"
        yield "--ntasks-per-node=1"
        wanted = {
            "partition": self.partition,
            "account": self.account,
            "time": self.time,
            "cpus-per-task": self.cpus,
            "gpus-per-node": self.gpus,
        }
        for option, value in wanted.items():
            if value is not None:
                yield f"--{option}={value}"
        yield f"--signal=B:USR1@{self._warning_s}"
        yield "--requeue"
        yield "--open-mode=append"
        yield f"--output={name}-%j.out"
        yield from self.more


def _check_option(text: str) -> None:
    """Refuse what isn't one option of sbatch, or is one that the script is built on."""
    if not _OPTION.fullmatch(text):
        raise UserError(
            f"--sbatch: must be one long option of sbatch, as --constraint=a100; found {text!r:.80}"
        )
    if text.partition("=")[0] in _OURS:
        raise UserError(f"--sbatch: {text:.80} would undo what the script is built on")


def seconds_of(time: str) -> int:
    """Return the seconds of a time limit as sbatch reads it.

    Forms: ``minutes``, ``minutes:seconds``, ``hours:minutes:seconds``, ``days-hours``,
    ``days-hours:minutes`` and ``days-hours:minutes:seconds``.
    """
    days, dash, rest = time.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    if dash:
        units: tuple[int, ...] = (3600, 60, 1)
    else:
        units = (3600, 60, 1) if len(parts) == 3 else (60, 1)
    clock = sum(part * unit for part, unit in zip(parts, units, strict=False))
    return 86_400 * int(days or 0) + clock
