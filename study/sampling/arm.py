"""The arms of a study, each sampled and judged alone: the whole of it, or one for each level of a
method study.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from study.sampling.proposer import Proposer
from study.sampling.pruning import Judge, make_judge

if TYPE_CHECKING:
    from study.spec.spec import StudySpec


@dataclass
class Jury:
    """The stop decisions among one arm's trials of one replicate number, by the points' index in
    the arm.

    ``decided[i]`` is the last epoch of trial ``i`` that is decided on, ``open`` holds the trials
    that could still report or be decided on, lowest first.
    """

    judge: Judge
    decided: dict[int, int] = field(default_factory=dict)
    open: list[int] = field(default_factory=list)
    entered: int = 0

    def enter_up_to(self, count: int) -> None:
        """Take in the arm's points below ``count``, whether their trials have started or not."""
        self.open.extend(range(self.entered, count))
        self.entered = max(self.entered, count)


class Arm:
    """One arm: its points in the order of their numbers, its proposals and its juries by replicate
    number.
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
        self._juries: dict[int, Jury] = {}

    def jury(self, replicate: int) -> Jury:
        if replicate not in self._juries:
            spec = self._spec
            judge = make_judge(
                spec.pruner, spec.objectives, _longest(spec), by_number=self._by_number
            )
            self._juries[replicate] = Jury(judge)
        jury = self._juries[replicate]
        jury.enter_up_to(len(self.points))
        return jury


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
