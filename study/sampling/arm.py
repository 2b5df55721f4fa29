"""The arms of a study: parts that are sampled and pruned each for itself.

A search is one arm. A method study has one for each combination of its scientific levels, so that
what one level has shown changes neither the proposals nor the stop decisions of another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from study.sampling.proposer import Proposer
from study.sampling.pruning import Pruner, make_pruner

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

_EPOCHS_OF_A_CODED_RECIPE = 100


@dataclass
class PrunerQueue:
    """The trials among which one pruner decides: those of one arm with one replicate number.

    Trials are known by their point's index in the arm. In a reproducible study they are decided on
    in that order, so that each may have to wait for those before it.
    """

    pruner: Pruner
    decided_epochs: dict[int, int] = field(default_factory=dict)
    """The last epoch of each trial that is decided on."""
    pending: list[int] = field(default_factory=list)
    """The trials that may still report or be decided on, lowest first."""
    _entered: int = 0

    def enter_up_to(self, count: int) -> None:
        """Take in the arm's points below ``count``, whether their trials have started or not."""
        self.pending.extend(range(self._entered, count))
        self._entered = max(self._entered, count)

    def reenter(self, index: int) -> None:
        """Take a trial in again that had ended and now runs on."""
        if index not in self.pending:
            self.pending = sorted([*self.pending, index])

    def decided_epoch(self, index: int) -> int:
        """The last epoch of a trial that is decided on, 0 before the first."""
        return self.decided_epochs.get(index, 0)


@dataclass(frozen=True)
class QueuePosition:
    """Where a trial stands: who decides on it, and its index there."""

    queue: PrunerQueue
    index: int


class Arm:
    """One arm: its points in the order of their numbers, its proposer, and a pruner queue for each
    replicate number.
    """

    def __init__(
        self, spec: StudySpec, number: int, level: Mapping[str, Any], *, by_number: bool
    ) -> None:
        self.number = number
        self.level = dict(level)
        self.points: list[int] = []
        space = spec.space.fix(level) if level else spec.space
        self.proposer = Proposer(space, spec.sampler, spec.objectives, number, allows=spec.allows)
        self._spec = spec
        self._by_number = by_number
        self._pruner_queues: dict[int, PrunerQueue] = {}

    def pruner_queue(self, replicate: int) -> PrunerQueue:
        """The queue of the trials with this replicate number, all points of the arm in it."""
        queue = self._pruner_queues.get(replicate)
        if queue is None:
            queue = PrunerQueue(self._new_pruner())
            self._pruner_queues[replicate] = queue
        queue.enter_up_to(len(self.points))
        return queue

    def _new_pruner(self) -> Pruner:
        spec = self._spec
        return make_pruner(
            spec.pruner, spec.objectives, longest_training(spec), by_number=self._by_number
        )


@dataclass(frozen=True)
class ArmPosition:
    """Where a point stands: its arm, and its index there."""

    arm: Arm
    index: int


def longest_training(spec: StudySpec) -> int:
    """The most epochs that the study file lets a trial have, which Hyperband divides."""
    epochs = spec.recipe_tree({}).get("epochs")
    if isinstance(epochs, int):
        return epochs
    lengths = [] if spec.train is None else _lengths_of_own(spec)
    return max(lengths, default=_EPOCHS_OF_A_CODED_RECIPE)


def _lengths_of_own(spec: StudySpec) -> list[int]:
    """The lengths that an own training's config may have."""
    varied = [value for item in spec.space.at("epochs") for value, _ in item.distribution.probes()]
    lengths = [value for value in varied if isinstance(value, int)]
    return lengths or ([] if spec.max_epochs is None else [spec.max_epochs])


def make_arms(spec: StudySpec, *, by_number: bool) -> list[Arm]:
    """Make the one arm of a search, or one for each combination of scientific levels.

    ``by_number`` says whether stop decisions are taken in the order of the points' numbers.
    """
    return [
        Arm(spec, number, level, by_number=by_number) for number, level in enumerate(spec.levels())
    ]
