"""Every action on a study: what it takes, what it does, and the command that does the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from study.execution import changes
from study.execution.changes import Change
from study.files.layout import StudyPaths
from study.page.actions.bodies import BadBody, Body, Nothing, OnePoint, Totals, Values


@dataclass(frozen=True)
class Asked:
    """What was asked for."""

    paths: StudyPaths
    body: Any
    """Of the action's own kind."""
    trial: int = -1
    """The trial that it is about, where it is about one."""


@dataclass(frozen=True)
class Action:
    """Something that can be done with a study."""

    name: str
    summary: str
    body: type[Body]
    do: Callable[[Asked], Change]
    verb: str
    """The command that does the same."""
    words: Callable[[Asked], Sequence[object]]
    """What follows it."""

    def command(self, asked: Asked, *more: str) -> str:
        """Return the line for a shell that does the same."""
        return asked.paths.command(self.verb, *self.words(asked), *more)


def _stop(asked: Asked) -> Change:
    return changes.stop(asked.paths.name, storage=asked.paths.storage)


def _stop_trial(asked: Asked) -> Change:
    return changes.stop_trial(asked.paths.name, asked.trial, storage=asked.paths.storage)


def _extend(asked: Asked) -> Change:
    body = asked.body
    return changes.extend(
        asked.paths.name,
        storage=asked.paths.storage,
        points=body.points,
        replicates=body.replicates,
    )


def _add(asked: Asked) -> Change:
    if not asked.body.values:
        raise BadBody('values: must name a value at least, as {"optimizer.lr": 0.1}; found none')
    return changes.add(asked.paths.name, asked.body.texts(), storage=asked.paths.storage)


def _drop(asked: Asked) -> Change:
    return changes.drop(asked.paths.name, asked.body.point, storage=asked.paths.storage)


def _totals(asked: Asked) -> list[object]:
    words: list[object] = []
    for option in ("points", "replicates"):
        total = getattr(asked.body, option)
        if total is not None:
            words += [f"--{option}", total]
    return words


def _sets(asked: Asked) -> list[object]:
    return [f"--set={text}" for text in asked.body.texts()]


ACTIONS = {
    action.name: action
    for action in (
        Action("stop", "Stop a running study", Nothing, _stop, "stop", lambda asked: ()),
        Action("extend", "Give it more points or seeds", Totals, _extend, "extend", _totals),
        Action("add", "Add a point of one's own", Values, _add, "add", _sets),
        Action(
            "drop",
            "Take a bad point out",
            OnePoint,
            _drop,
            "drop",
            lambda asked: ("--point", asked.body.point),
        ),
    )
}
"""By the last part of their addresses."""
STOP_TRIAL = Action(
    "stop",
    "Stop one trial",
    Nothing,
    _stop_trial,
    "stop",
    lambda asked: ("--trial", asked.trial),
)
