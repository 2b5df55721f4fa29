"""What a driver and its workers hand each other: a configuration one way, messages the other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, cast

from study.journal.events import Placement
from study.journal.failure import Failure
from study.training.recipe.metric_catalog import Direction


class WorkerConfig(TypedDict):
    """What a worker needs for one attempt at a trial."""

    assignment: str
    """The attempt as JSON text."""
    checkpoints: str
    """The folder of the trial's checkpoints."""
    stderr: str
    """The file for the traceback of a failure."""
    output: str
    """The file for what a training function prints."""
    kept: str
    """The folder for what a training function keeps."""
    cpus: float
    gpus: float
    resources: dict[str, float]
    """What each worker has, under Ray's names."""
    workers: int
    """How many processes train the trial together."""
    heartbeat_s: float
    """How long training may show no sign of life before it counts as hung."""
    hang_without_heartbeat: bool
    """Whether silence counts before a training function has called its session's heartbeat."""
    limit_s: float | None
    """How long the trial may train in all."""
    data_dir: str | None
    run: str
    """Names the driver's session."""
    path: list[str]
    """Folders in which modules are looked for first."""
    best_by: tuple[str, Direction] | None
    """Metric and direction of the epoch whose weights count; None where the last one's do."""
    objectives: list[str]
    """The metrics that each report of a training function must name."""
    poll_s: float
    """For how long a worker that has nothing to say keeps silent."""


_SEALED = "attempt"


def seal_config(config: WorkerConfig) -> dict[str, str]:
    """Return a configuration as a single text: Tune flattens, copies and keeps all that is not."""
    return {_SEALED: json.dumps(config)}


def open_config(sealed: Mapping[str, str]) -> WorkerConfig:
    """Return the configuration that ``seal_config`` was given."""
    return cast(WorkerConfig, json.loads(sealed[_SEALED]))


@dataclass(frozen=True)
class Placed:
    """Training begins."""

    place: Placement
    """Host, node, process and device, by the names that the journal has for them."""


@dataclass(frozen=True)
class Reported:
    """An epoch is done."""

    row: Mapping[str, Any]
    has_state: bool = False
    """Whether there is a state after just this epoch, from which another attempt could go on."""

    @property
    def awaits_answer(self) -> bool:
        """Whether training stands still until it hears whether to go on: not after its last."""
        return not self.row["last"]


@dataclass(frozen=True)
class Repeated:
    """An epoch that the driver knows was trained once more, after an interruption."""

    row: Mapping[str, Any]


@dataclass(frozen=True)
class SetAside:
    """Training has ended as it was asked to, or where its trial waits to be promoted, with the
    state after its newest epoch saved; the worker is ready for another trial.
    """

    epoch: int


@dataclass(frozen=True)
class Waiting:
    """Training waits for something that the user should hear of."""

    message: str


@dataclass(frozen=True)
class Finished:
    """Training came to its own end."""

    stop_reason: str
    summary: Mapping[str, Any]


@dataclass(frozen=True)
class Failed:
    """Training failed; the worker is ready for another trial."""

    failure: Failure


@dataclass(frozen=True)
class Broken:
    """Training failed and left a process that is of no use to another trial: the driver ends it."""

    failure: Failure
    host: str
    node: str
    """Ray's id of the node."""
    gpu: str
    """Which of the node's GPUs it had; empty where it had none."""


@dataclass(frozen=True)
class Hung:
    """Training shows no sign of life; the worker gives its process up when it is asked again."""

    failure: Failure


WorkerMessage = (
    Placed | Reported | Repeated | SetAside | Waiting | Finished | Failed | Broken | Hung
)
