"""A study for Optuna's own tools: an ``optuna.Study`` that is rebuilt from the journal."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from study.files.layout import StudyPaths
from study.journal.replay import read_history
from study.journal.spec_versions import recorded_spec
from study.journal.trials import Point
from study.spec.spec import StudySpec

if TYPE_CHECKING:
    import optuna


def to_optuna(paths: StudyPaths, storage: Any = None) -> optuna.Study:
    """Make an Optuna study in ``storage``, an Optuna storage (in memory by default).

    Each point is one trial, with the reports of its first replicate and its number among the user
    attributes. Points outside the space, and those that were dropped, are left out, as they are for
    the sampler.
    """
    import optuna

    history = read_history(paths.journal)
    spec = recorded_spec(paths, history)
    study = optuna.create_study(
        study_name=history.study,
        storage=storage,
        directions=[objective.direction for objective in spec.objectives],
    )
    study.set_user_attr("question", spec.question)
    trials: list[optuna.trial.FrozenTrial] = []
    for point in history.points:
        trial = _frozen_trial(point, spec)
        if trial is not None:
            trials.append(trial)
    study.add_trials(trials)
    return study


def _frozen_trial(point: Point, spec: StudySpec) -> optuna.trial.FrozenTrial | None:
    """Return the point as an Optuna trial; None where it was dropped, or lies outside the space."""
    from optuna.trial import TrialState, create_trial

    params = spec.params_of(point.values)
    if params is None or point.is_dropped:
        return None
    state = TrialState[point.state]
    trial = create_trial(
        state=state,
        params=dict(params),
        distributions=spec.space.distributions(params),
        values=_values(point) if state == TrialState.COMPLETE else None,
        intermediate_values=_reports(point, spec),
        user_attrs={
            "point": point.number,
            "origin": point.origin,
            "trials": [trial.number for trial in point.trials.values()],
        },
    )
    trial.datetime_start = _moment(point.asked_at) if state != TrialState.WAITING else None
    trial.datetime_complete = _ending(point) if state.is_finished() else None
    return trial


def _reports(point: Point, spec: StudySpec) -> dict[int, float]:
    """Return the metric at each epoch of the first replicate; none for several objectives."""
    first = point.trials.get(0)
    if first is None or len(spec.objectives) > 1:
        return {}
    metric = spec.objectives[0].metric
    return {
        row["epoch"]: float(row[metric])
        for row in first.rows
        if isinstance(row.get(metric), int | float)
    }


def _values(point: Point) -> list[float]:
    """Return a point's value by each objective."""
    values = point.value if isinstance(point.value, list) else [point.first_value]
    return [float(value) for value in values]


def _ending(point: Point) -> datetime.datetime:
    """Return the moment at which the last of a point's trials ended."""
    ends = [trial.ended_at or point.asked_at for trial in point.trials.values()]
    return _moment(max([point.asked_at, *ends]))


def _moment(seconds: float) -> datetime.datetime:
    """Return a moment as Optuna keeps it: local time, without a zone."""
    return datetime.datetime.fromtimestamp(seconds)
