"""Every action on a study: what it takes, what it does, and the command that does the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from study.cluster.job_request import JobRequest
from study.cluster.submission import request_to_go_on
from study.errors import StudyLocked, UserError
from study.execution import changes
from study.execution.changes import Change
from study.execution.driver import failed_trials
from study.execution.lifecycle import growth
from study.execution.resources import code_names
from study.execution.user.trust import check_study_trusted
from study.files.layout import StudyPaths
from study.files.lock import lock_holder
from study.journal.replay import read_history
from study.journal.spec_versions import recorded_spec
from study.page.actions.bodies import (
    BadBody,
    Body,
    Failed,
    Nothing,
    OnePoint,
    Totals,
    Values,
    Weight,
)
from study.page.actions.launching import Launcher, NoDrivers


@dataclass(frozen=True)
class Asked:
    """What was asked for."""

    paths: StudyPaths
    body: Any
    """Of the action's own kind."""
    launcher: Launcher = field(default_factory=NoDrivers)
    """Starts drivers."""
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
    """Ask a driver, or start one: by `study resume --points` then."""
    paths, totals = asked.paths, asked.body.counts()
    starts = bool(totals) and asked.launcher.can_start and not lock_holder(paths.lock)
    if not starts:
        return changes.extend(paths.name, storage=paths.storage, **totals)
    growth(paths, totals)  # raises where that can't be
    command = paths.command("resume", *_totals(asked))
    return _go_on(asked, command, extension=totals)


def _resume(asked: Asked) -> Change:
    return _go_on(asked, asked.paths.command("resume"))


def _retry(asked: Asked) -> Change:
    body: Failed = asked.body
    if body.failed == bool(body.trials):
        raise BadBody(
            'say which trials to run again: {"failed": true} for all that failed, or {"trials":'
            " [3]}"
        )
    history = read_history(asked.paths.journal)
    if not failed_trials(history, body.trials or None):
        raise UserError(f"no trial of {asked.paths.name} has failed")
    command = asked.paths.command("retry", *_failed(asked))
    return _go_on(asked, command, retry_failed=body.failed, retried=list(body.trials))


def _go_on(asked: Asked, command: str, **more: Any) -> Change:
    """Start a driver for a study that nobody drives, and whose code this user trusts."""
    paths = asked.paths
    holder = lock_holder(paths.lock)
    if holder:
        raise StudyLocked(paths.name, holder)
    if not asked.launcher.can_start:
        return asked.launcher.start(JobRequest(paths.name, str(paths.storage)), command)
    names = code_names(recorded_spec(paths, read_history(paths.journal)))
    check_study_trusted(paths, paths.name, names, trusted=False)
    options = {"trust": bool(names)}
    request = request_to_go_on(paths.name, str(paths.storage), options=options, **more)
    return asked.launcher.start(request, command)


def _add(asked: Asked) -> Change:
    if not asked.body.values:
        raise BadBody('values: must name a value at least, as {"optimizer.lr": 0.1}; found none')
    return changes.add(asked.paths.name, asked.body.texts(), storage=asked.paths.storage)


def _drop(asked: Asked) -> Change:
    return changes.drop(asked.paths.name, asked.body.point, storage=asked.paths.storage)


def _share(asked: Asked) -> Change:
    return changes.share(asked.paths.name, asked.body.weight, storage=asked.paths.storage)


def _totals(asked: Asked) -> list[object]:
    words: list[object] = []
    for option, total in asked.body.counts().items():
        words += [f"--{option}", total]
    return words


def _failed(asked: Asked) -> list[object]:
    if asked.body.failed:
        return ["--failed"]
    words: list[object] = []
    for number in asked.body.trials:
        words += ["--trial", number]
    return words


def _sets(asked: Asked) -> list[object]:
    return [f"--set={text}" for text in asked.body.texts()]


ACTIONS = {
    action.name: action
    for action in (
        Action("stop", "Stop a running study", Nothing, _stop, "stop", lambda asked: ()),
        Action("resume", "Go on with a study", Nothing, _resume, "resume", lambda asked: ()),
        Action("extend", "Give it more points or seeds", Totals, _extend, "resume", _totals),
        Action("retry", "Run failed trials again", Failed, _retry, "retry", _failed),
        Action("add", "Add a point of one's own", Values, _add, "add", _sets),
        Action(
            "drop",
            "Take a bad point out",
            OnePoint,
            _drop,
            "drop",
            lambda asked: ("--point", asked.body.point),
        ),
        Action(
            "share",
            "Change its share of the cluster",
            Weight,
            _share,
            "share",
            lambda asked: (f"{asked.body.weight:g}",),
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
