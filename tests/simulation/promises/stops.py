"""Who was asked to stop, and by when has to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from study.files.storage import StoragePath

from ..seen import promise
from ..surroundings.world import Process, World

Moment = tuple[int, int]
"""How many drivers there have been, and how many sessions were closed."""


@dataclass(frozen=True)
class AskedStop:
    """A request to stop, left for a driver."""

    request: StoragePath
    driver: Process
    until: float
    """From then on it starts nothing more."""
    moment: Moment | None
    """When it was left; None where the driver may have looked at what came before it only."""


class Stops:
    """The requests to stop that drivers have to follow."""

    def __init__(self, world: World, moment: Callable[[], Moment]) -> None:
        self.is_left: Callable[[StoragePath], bool] = lambda request: True
        """Whether a request is there, read past all faults."""
        self.moment = moment
        self._asked: list[AskedStop] = []
        self._last_post: StoragePath | None = None
        self._world = world

    def note_post(self, request: StoragePath, *, is_open: bool) -> None:
        """Something is asked for. It is a later wish than a stop that was done with before, or that
        came once the study was at its end, when there was nothing to stop.
        """
        self._last_post = request
        if not is_open:
            self._asked = []
        self._asked = [stop for stop in self._asked if self.is_left(stop.request)]

    def note_stop(self, driver: Process, moment: Moment | None, until: float) -> None:
        """What was left last asks a driver to stop, the only one that there was."""
        assert self._last_post is not None
        self._asked.append(AskedStop(self._last_post, driver, until, moment))

    def check_goes_on(self) -> None:
        """Whether the driver that runs may start anything."""
        for stop in self._asked:
            if stop.driver is self._world.process:
                name = stop.driver.name
                is_late = self._world.now > stop.until
                promise(not is_late, f"{name} goes on, though it was asked to stop")
                promise(not self._is_forgotten(stop), f"{name} has forgotten to stop")

    def _is_forgotten(self, stop: AskedStop) -> bool:
        """Whether a request to stop was removed before its session's end."""
        return stop.moment == self.moment() and not self.is_left(stop.request)
