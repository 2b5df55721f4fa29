"""What changes a study without training, done and told: stop, end a trial, add, drop, share …

Every door does these by one function each, and tells of them in its words: the command line and the
page. A study that is driven changes by its driver, another one here and now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from study.errors import UserError
from study.execution import lifecycle
from study.files.layout import StudyPaths, existing
from study.files.lock import lock_holder
from study.files.requests import is_share
from study.files.storage import StorageLike
from study.journal.ranking import is_confirmation_over
from study.journal.replay import check_trial, read_history
from study.journal.spec_versions import recorded_spec, stored_spec_file
from study.spec.load import added_values, load_spec


@dataclass(frozen=True)
class Change:
    """A change as it was made."""

    lines: tuple[str, ...]
    """What is told of it."""
    is_asked: bool
    """Whether a driver was asked to make it, and will; False where it is made."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What came of it, as data."""


def stop(name: str, *, storage: StorageLike) -> Change:
    """Stop a running study so that it can be resumed. Raises UserError where it isn't running."""
    is_driven = lock_holder(existing(name, storage).lock)
    if not is_driven or not lifecycle.post_request(name, {"do": "stop"}, storage=storage):
        raise UserError(f"study {name} is not running")
    return Change((f"asked the driver to stop {name}",), is_asked=True)


def stop_trial(name: str, trial: int, *, storage: StorageLike, trusted: bool = False) -> Change:
    """End one trial of a study, which goes on.

    Raises UserError where there is none of this number, or it has ended.
    """
    check_not_ended(existing(name, storage), trial)
    request = {"do": "stop_trial", "trial": trial}
    is_asked = lifecycle.post_request(name, request, storage=storage, trusted=trusted)
    what = f"trial {trial}"
    line = f"asked the driver to stop {what}" if is_asked else f"stopped {what}"
    return Change((line,), is_asked)


def check_not_ended(paths: StudyPaths, number: int) -> None:
    """Raise UserError where a study has no trial of this number, or it has ended."""
    check_trial(paths, number)
    trial = read_history(paths.journal).trials[number]
    if trial.has_ended:
        raise UserError(f"trial {number} of {paths.name} has ended already: {trial.state}")


def add(name: str, sets: Sequence[str], *, storage: StorageLike, trusted: bool = False) -> Change:
    """Put a point of the user's own next in a study: the values that ``optimizer.lr=0.1`` texts
    give it.

    Raises SpecError with every fault of theirs.
    """
    if not sets:
        raise UserError("say what the point is: --set PATH=VALUE, as often as needed")
    paths = existing(name, storage)
    values, lies_in_space = added_values(load_spec(stored_spec_file(paths)), sets)
    request = {"do": "add", "values": values}
    is_asked = lifecycle.post_request(name, request, storage=storage, trusted=trusted)
    shown = " ".join(f"{path}={value}" for path, value in values.items())
    lines = [f"added to {name}: {shown}"]
    if not lies_in_space:
        lines.append("it lies outside the space: it is shown, and the sampler isn't told of it")
    if not is_asked:
        lines.append(f"it runs with: {paths.command('resume')}")
    return Change(tuple(lines), is_asked, {"values": values, "lies_in_space": lies_in_space})


def drop(name: str, point: int, *, storage: StorageLike, trusted: bool = False) -> Change:
    """Take a bad point out of a study's tables, its best and what its sampler learns.

    Raises UserError where there is none of this number, or it is out already.
    """
    check_droppable(name, point, storage=storage)
    request = {"do": "drop", "point": point}
    is_asked = lifecycle.post_request(name, request, storage=storage, trusted=trusted)
    lines = [f"asked the driver to drop point {point}" if is_asked else f"dropped point {point}"]
    paths = existing(name, storage)
    if not is_asked and _is_confirmation_open(paths):
        lines.append(
            f"another point takes its place on fresh seeds, with: {paths.command('resume')}"
        )
    return Change(tuple(lines), is_asked)


def _is_confirmation_open(paths: StudyPaths) -> bool:
    """Whether points that are to be trained on fresh seeds have some of those to come."""
    history = read_history(paths.journal)
    spec = recorded_spec(paths, history)
    return not is_confirmation_over(history.points, spec, whole_seeds=history.whole_seeds)


def check_droppable(name: str, point: int, *, storage: StorageLike) -> None:
    """Raise UserError where the study has no point of this number, or it was dropped already."""
    points = read_history(existing(name, storage).journal).points
    if not 0 <= point < len(points):
        raise UserError(f"--point must be below {len(points)}, the points of {name}; found {point}")
    if points[point].is_dropped:
        raise UserError(f"point {point} of {name} is dropped already")


def share(name: str, weight: float, *, storage: StorageLike) -> Change:
    """Change a study's part of the clusters that it shares with others.

    Raises UserError where it is no share, or what the study has already.
    """
    check_share(name, weight, storage=storage)
    request = {"do": "share", "weight": float(weight)}
    is_asked = lifecycle.post_request(name, request, storage=storage)
    line = f"the share of {name} is {weight:g} from now on"
    return Change((f"asked the driver: {line}" if is_asked else line,), is_asked, {"share": weight})


def check_share(name: str, weight: float, *, storage: StorageLike) -> None:
    """Raise UserError where a weight is no share, or what the study has already."""
    if not is_share(weight):
        raise UserError(f"a share must be a finite number from 0; found {weight}")
    if load_spec(stored_spec_file(existing(name, storage))).share == weight:
        raise UserError(f"the share of {name} is {weight:g} already")


def extend(
    name: str, *, storage: StorageLike, points: int | None = None, replicates: int | None = None
) -> Change:
    """Have a running study go on to more points or seeds, as new totals.

    Raises UserError where it isn't running, nothing would change, or what was done forbids it.
    """
    changes = lifecycle.extend(name, storage=storage, points=points, replicates=replicates)
    line = f"asked the driver of {name} to go on: {', '.join(changes)}"
    return Change((line,), is_asked=True, facts={"changes": changes})
