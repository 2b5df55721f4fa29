"""The arms of a study, each sampled and judged alone: the whole of it, or one for each level of a
method study.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from study.sampling.proposer import Proposer
from study.sampling.pruning import Pruner, make_pruner

if TYPE_CHECKING:
    from study.spec.spec import StudySpec


@dataclass
class PrunerQueue:
    """The stop decisions among one arm's trials of one replicate number, by the points' index in
    the arm.

    ``decided[i]`` is the last epoch of trial ``i`` that is decided on, ``open`` holds the trials
    that could still report or be decided on, lowest first.
    """

    pruner: Pruner
    decided: dict[int, int] = field(default_factory=dict)
    open: list[int] = field(default_factory=list)
    entered: int = 0

    def enter_up_to(self, count: int) -> None:
        """Take in the arm's points below ``count``, whether their trials have started or not."""
        self.open.extend(range(self.entered, count))
        self.entered = max(self.entered, count)


class Arm:
    """One arm: its points in the order of their numbers, its proposals and, by replicate number,
    its pruner queues.
    """

    def __init__(
        self, spec: StudySpec, number: int, level: Mapping[str, Any], *, by_number: bool
    ) -> None:
        space = spec.space.fix(level) if level else spec.space
        self.number = number
        self.level = dict(level)
        self.points: list[int] = []
        self.proposer = Proposer(space, spec.sampler, spec.objectives, number)
        self._spec = spec
        self._by_number = by_number
        self._pruner_queues: dict[int, PrunerQueue] = {}

    def pruner_queue(self, replicate: int) -> PrunerQueue:
        if replicate not in self._pruner_queues:
            spec = self._spec
            pruner = make_pruner(
                spec.pruner, spec.objectives, _longest(spec), by_number=self._by_number
            )
            self._pruner_queues[replicate] = PrunerQueue(pruner)
        queue = self._pruner_queues[replicate]
        queue.enter_up_to(len(self.points))
        return queue


def _longest(spec: StudySpec) -> int:
    """The most epochs that the study file lets a trial have: what Hyperband halves."""
    recipe = spec.recipe_tree({})
    epochs = recipe.get("epochs")
    return epochs if isinstance(epochs, int) else 100


def make_arms(spec: StudySpec, *, by_number: bool) -> list[Arm]:
    """One arm in a search, one for each combination of scientific levels in a method study."""
    return [
        Arm(spec, number, level, by_number=by_number) for number, level in enumerate(spec.levels())
    ]
