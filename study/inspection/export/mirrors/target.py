"""What every place promises that a study can be mirrored to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from study.inspection.export.mirrors.story import MirroredPoint, MirroredTrial, Story


class Target(ABC):
    """A place that takes a study. Each call may be repeated: nothing is there twice.

    What was mirrored is known to the place itself, or kept beside it.
    """

    @abstractmethod
    def begin(self, story: Story) -> str:
        """Find the study's place, or make it; return where to look. UserError where another study
        of that name is there.
        """

    @abstractmethod
    def is_done(self, trial: MirroredTrial) -> bool:
        """Whether the trial, as it stands, is there whole."""

    @abstractmethod
    def put_point(self, point: MirroredPoint) -> None:
        """Bring a point up to date, without its trials."""

    @abstractmethod
    def put_trial(self, trial: MirroredTrial) -> None:
        """Bring a trial up to date: what is missing of its epochs, its state, its artifacts."""

    @abstractmethod
    def close(self) -> None:
        """Write what is held back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
