"""What an action would do, in words, before it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from study.errors import StudyLocked, UserError
from study.execution.changes import check_droppable, check_not_ended, check_share
from study.execution.driver import failed_trials
from study.execution.lifecycle import growth
from study.inspection.format import count_text
from study.inspection.status import status_from
from study.journal.spec_versions import stored_spec_file
from study.page.actions.bodies import Failed, Values
from study.page.actions.table import Asked
from study.page.readings.followed_study import FollowedStudy
from study.spec.load import added_values, load_spec

_DRIVER_DOES = "Its driver does so within a second or two."


def _stop(study: FollowedStudy, asked: Asked) -> list[str]:
    if not study.driver:
        raise UserError(f"study {study.name} is not running")
    running = sum(trial.is_in_flight for trial in study.history.trials)
    return [
        f"The driver of {study.name}, {study.driver}, ends.",
        f"Trials that run now ({running}) are set aside as they stand, and go on from their newest"
        " states once the study is resumed.",
    ]


def _stop_trial(study: FollowedStudy, asked: Asked) -> list[str]:
    check_not_ended(study.paths, asked.trial)
    trial = study.history.trials[asked.trial]
    return [
        f"Trial {trial.number} ends after {count_text(trial.epochs, 'epoch')}, for good; the study"
        " goes on.",
        f"Its point {trial.point} counts as PRUNED: it has no value, and is none of the best.",
        *([_DRIVER_DOES] if study.driver else []),
    ]


def _extend(study: FollowedStudy, asked: Asked) -> list[str]:
    counts = asked.body.counts()
    if not counts:
        return ["Say how far it is to go: as new totals, of which one may be left out."]
    does = _DRIVER_DOES if study.driver else "A driver takes the study up with that."
    return [*growth(study.paths, counts), does]


def _resume(study: FollowedStudy, asked: Asked) -> list[str]:
    _check_free(study)
    status = status_from(study.paths, study.history, study.spec, "")
    if not status["resume"]:
        raise UserError(f"study {study.name} is {status['state']}: nothing is left to do")
    ended = sum(point.has_ended for point in study.history.points)
    return [
        f"A driver takes {study.name} up: {ended} of {count_text(study.spec.points, 'point')} have"
        " ended, and trials that were broken off go on from their newest states.",
    ]


def _retry(study: FollowedStudy, asked: Asked) -> list[str]:
    _check_free(study)
    body: Failed = asked.body
    if body.failed == bool(body.trials):
        return ["Say which of the failed trials run again."]
    trials = failed_trials(study.history, body.trials or None)
    if not trials:
        raise UserError(f"no trial of {study.name} has failed")
    lines = ["A driver runs these again; what they were stays on record:"]
    for trial in trials:
        failure = trial.failure.failure_class if trial.failure else ""
        lines.append(f"trial {trial.number} of point {trial.point}: {failure}")
    return lines


def _check_free(study: FollowedStudy) -> None:
    if study.driver:
        raise StudyLocked(study.name, study.driver)


def _add(study: FollowedStudy, asked: Asked) -> list[str]:
    body: Values = asked.body
    if not body.values:
        return ["Say what the point is; what is left out has the recipe's value."]
    spec = load_spec(stored_spec_file(study.paths))
    values, lies_in_space = added_values(spec, body.texts())
    lines = ["This point is trained next:"]
    lines += [f"{path} = {value}" for path, value in values.items()]
    if not lies_in_space:
        lines.append("It lies outside the space: it is shown, and the sampler isn't told of it.")
    if not study.driver:
        lines.append(f"It runs with: {study.paths.command('resume')}")
    return lines


def _drop(study: FollowedStudy, asked: Asked) -> list[str]:
    number = asked.body.point
    check_droppable(study.name, number, storage=study.paths.storage)
    point = study.history.points[number]
    running = sum(trial.is_in_flight for trial in point.trials.values())
    lines = [
        f"Point {number} ({point.state}) leaves the tables, the best and what the sampler learns"
        " from, for good; its number and what it did stay on record."
    ]
    if running:
        lines.append(f"Trials of it that run now ({running}) end.")
    return lines


def _share(study: FollowedStudy, asked: Asked) -> list[str]:
    weight = asked.body.weight
    check_share(study.name, weight, storage=study.paths.storage)
    lines = [f"The share of {study.name} is {weight:g}, and no more {study.spec.share:g}."]
    if weight == 0:
        lines.append("It runs in what no other study of its cluster wants.")
    if study.driver:
        lines.append(_DRIVER_DOES)
    return lines


Prospect = Callable[[FollowedStudy, Asked], list[str]]
PROSPECTS: Mapping[str, Prospect] = {
    "stop": _stop,
    "stop-trial": _stop_trial,
    "resume": _resume,
    "extend": _extend,
    "retry": _retry,
    "add": _add,
    "drop": _drop,
    "share": _share,
}
"""By the names of the pages that show them; each raises UserError where it can't be done."""
