"""Taking a study up from its folder as a resume does, short of running it."""

from __future__ import annotations

from study.errors import StudyError
from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.open_study import open_study
from study.execution.run import ProgressDisplay, RunOptions
from study.files.layout import StudyPaths
from study.journal.history import History


class Listener(ProgressDisplay):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def take_up(paths: StudyPaths) -> tuple[History | StudyError, list[str]]:
    """What a resume finds in the folder, and what it says."""
    listener = Listener()
    try:
        with (
            RayConnection(None) as idle,
            open_study(paths, RunOptions(display=listener), idle) as controller,
        ):
            return controller.history, listener.said
    except StudyError as error:
        return error, listener.said
