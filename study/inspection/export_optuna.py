"""The study as Optuna sees it, for Optuna's own tools: an ``optuna.Study`` rebuilt from the
journal.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from study.files.layout import StudyPaths
from study.journal.history import History
from study.journal.journal import read_records
from study.journal.trials import Point, Trial
from study.spec.load import load_spec
from study.spec.spec import StudySpec

if TYPE_CHECKING:
    import optuna


def to_optuna(paths: StudyPaths, storage: Any = None) -> optuna.Study:
    """One Optuna trial for each point that lies in the space, in ``storage`` (in memory by
    default).

    Reports are those of the point's first replicate. Points outside the space are left out, as they
    are for the sampler; a point's number is in the trial's user attributes.
    """
    import optuna

    history, spec = History(read_records(paths.journal)), load_spec(paths.spec)
    study = optuna.create_study(
        study_name=history.study,
        storage=storage,
        directions=[objective.direction for objective in spec.objectives],
    )
    study.set_user_attr("question", spec.question)
    study.add_trials(
        [trial for point in history.points if (trial := _frozen(point, spec)) is not None]
    )
    return study


def _frozen(point: Point, spec: StudySpec) -> optuna.trial.FrozenTrial | None:
    """The point as an Optuna trial, None where its values lie outside the space."""
    from optuna.trial import TrialState, create_trial

    params = spec.params_of(point.values)
    if params is None:
        return None
    state = TrialState[point.state]
    first = point.trials.get(0)
    made = create_trial(
        state=state,
        params=dict(params),
        distributions=spec.space.distributions(params),
        values=_values(point) if state == TrialState.COMPLETE else None,
        intermediate_values=_reports(first, spec) if first and len(spec.objectives) == 1 else {},
        user_attrs={
            "point": point.number,
            "origin": point.origin,
            "trials": [t.number for t in point.trials.values()],
        },
    )
    made.datetime_start = _moment(point.asked_at) if state != TrialState.WAITING else None
    made.datetime_complete = _ended(point) if state.is_finished() else None
    return made


def _reports(trial: Trial, spec: StudySpec) -> dict[int, float]:
    """The objective's metric at each epoch that has it."""
    metric = spec.objectives[0].metric
    return {
        row["epoch"]: float(row[metric])
        for row in trial.rows
        if isinstance(row.get(metric), int | float)
    }


def _values(point: Point) -> list[float]:
    """A point's value by each objective."""
    values = point.value if isinstance(point.value, list) else [point.first_value]
    return [float(value) for value in values]


def _ended(point: Point) -> datetime.datetime:
    ends = [trial.ended_at or point.asked_at for trial in point.trials.values()]
    return _moment(max([point.asked_at, *ends]))


def _moment(seconds: float) -> datetime.datetime:
    """Optuna keeps local times without a zone."""
    return datetime.datetime.fromtimestamp(seconds)
