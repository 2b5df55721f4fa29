"""MLflow: an experiment for the study, a run for each point, below it one for each trial.

Runs are found again by their tags, and an epoch's metrics by their steps: what MLflow has is asked
of MLflow, so that a mirror that was killed goes on where it stopped.
"""

from __future__ import annotations

import io
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from study.errors import UserError
from study.inspection.export.mirrors.story import MirroredPoint, MirroredTrial, Story
from study.inspection.export.mirrors.target import Target

_STATUS = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED", "RUNNING": "RUNNING"}
_KEY = "study.key"
_STUDY = "study.id"
_STAMP = "study.stamp"
_MOST_METRICS = 500
"""Of one request; MLflow takes a thousand."""
_MOST_PARAMS = 100


class Mlflow(Target):
    """An experiment of an MLflow server or folder."""

    def __init__(self, uri: str | None) -> None:
        try:
            from mlflow.entities import Metric, Param, RunTag
            from mlflow.tracking import MlflowClient
        except ImportError:
            raise UserError("MLflow is not installed: pip install 'ray-study[mlflow]'") from None
        self._client: Any = MlflowClient(tracking_uri=uri)
        self._metric, self._param, self._tag = Metric, Param, RunTag
        self._uri = uri
        self._experiment = ""
        self._story_id = ""
        self._runs: dict[str, tuple[str, str]] = {}
        """Of each point and trial the run's id, and the stamp of what is there whole."""
        self._steps: dict[str, dict[str, set[int]]] = {}
        """Of each run the steps that it has, by metric."""

    def begin(self, story: Story) -> str:
        if self._experiment:
            return self._place(story)
        found = self._client.get_experiment_by_name(story.name)
        if found is None:
            tags = {_STUDY: story.identity, "mlflow.note.content": story.question}
            self._experiment = self._client.create_experiment(story.name, tags=tags)
        elif found.tags.get(_STUDY, story.identity) != story.identity:
            raise UserError(
                f"--to: the experiment {story.name} there is the mirror of another study of that"
                " name"
            )
        else:
            self._experiment = found.experiment_id
        self._find_runs(story)
        return self._place(story)

    def _place(self, story: Story) -> str:
        return f"MLflow's experiment {story.name}"

    def _find_runs(self, story: Story) -> None:
        """Find the runs that a mirror has left."""
        token = None
        self._story_id = story.identity
        while True:
            page = self._client.search_runs(
                [self._experiment],
                filter_string=f"tags.`{_STUDY}` = '{story.identity}'",
                page_token=token,
            )
            for run in page:
                stamp = run.data.tags.get(_STAMP, "")
                self._runs[run.data.tags[_KEY]] = (run.info.run_id, stamp)
            token = page.token
            if not token:
                return

    def is_done(self, trial: MirroredTrial) -> bool:
        return self._runs.get(_key_of(trial), ("", ""))[1] == trial.stamp

    def put_point(self, point: MirroredPoint) -> None:
        run = self._run_of(f"point-{point.number}", int(point.asked * 1000), {})
        self._put_settings(run, point.settings)
        self._client.set_tag(run, "state", point.state)
        if point.value is not None and 0 not in self._steps_of(run, "value"):
            self._client.log_metric(run, "value", point.value, int(point.asked * 1000), 0)
            self._steps_of(run, "value").add(0)
        self._client.update_run(run, status=_STATUS.get(point.state, "SCHEDULED"))

    def put_trial(self, trial: MirroredTrial) -> None:
        key = _key_of(trial)
        run = self._trial_run(trial)
        if any(step > len(trial.epochs) for step in self._all_steps(run, trial)):
            self._client.delete_run(run)  # rows were cut back: stopped at an earlier epoch
            self._runs.pop(key)
            run = self._trial_run(trial)
        self._put_settings(run, trial.settings)
        self._put_epochs(run, trial)
        for name, text in trial.tags.items():
            self._client.set_tag(run, name, text[:5000])
        if not trial.has_ended:
            self._client.update_run(run, status=_STATUS.get(trial.state, "SCHEDULED"))
            return
        self._put_artifacts(run, trial)
        ended = int((trial.ended or trial.started) * 1000)
        with redirect_stdout(io.StringIO()):  # where it would print links
            self._client.set_terminated(run, _STATUS[trial.state], ended)
        self._client.set_tag(run, _STAMP, trial.stamp)
        self._runs[key] = (run, trial.stamp)

    def _trial_run(self, trial: MirroredTrial) -> str:
        parent = self._runs[f"point-{trial.point}"][0]
        more = {"mlflow.parentRunId": parent, "replicate": str(trial.replicate)}
        return self._run_of(_key_of(trial), int(trial.started * 1000), more)

    def _run_of(self, key: str, start: int, more: dict[str, str]) -> str:
        """Find a point's or a trial's run, or make it with the tags that it is found by."""
        if key not in self._runs:
            tags = {_KEY: key, _STUDY: self._story_id, "mlflow.runName": key, **more}
            run = self._client.create_run(self._experiment, start, tags)
            self._runs[key] = (run.info.run_id, "")
            self._steps[run.info.run_id] = {}
        return self._runs[key][0]

    def _put_settings(self, run: str, settings: Any) -> None:
        """Write a run's parameters, which MLflow takes again where they are the same."""
        params = [self._param(name, str(value)[:6000]) for name, value in settings.items()]
        for start in range(0, len(params), _MOST_PARAMS):
            self._client.log_batch(run, params=params[start : start + _MOST_PARAMS])

    def _put_epochs(self, run: str, trial: MirroredTrial) -> None:
        missing = []
        for epoch in trial.epochs:
            for name, value in epoch.metrics.items():
                if epoch.epoch not in self._steps_of(run, name):
                    moment = int(epoch.time * 1000)
                    missing.append(self._metric(name, value, moment, epoch.epoch))
        if trial.has_ended:
            moment = int((trial.ended or trial.started) * 1000)
            for name, value in trial.figures.items():
                if not self._steps_of(run, f"end.{name}"):
                    missing.append(self._metric(f"end.{name}", value, moment, len(trial.epochs)))
        for start in range(0, len(missing), _MOST_METRICS):
            batch = missing[start : start + _MOST_METRICS]
            self._client.log_batch(run, metrics=batch)
            for metric in batch:
                self._steps_of(run, metric.key).add(metric.step)

    def _all_steps(self, run: str, trial: MirroredTrial) -> set[int]:
        names = {name for epoch in trial.epochs for name in epoch.metrics}
        steps = [self._steps_of(run, name) for name in names]
        return set().union(*steps)

    def _steps_of(self, run: str, name: str) -> set[int]:
        """Return the steps of a metric that a run has; MLflow is asked once, of a run that an
        earlier mirror has left.
        """
        if run not in self._steps:
            keys = self._client.get_run(run).data.metrics
            self._steps[run] = {
                key: {each.step for each in self._client.get_metric_history(run, key)}
                for key in keys
            }
        return self._steps[run].setdefault(name, set())

    def _put_artifacts(self, run: str, trial: MirroredTrial) -> None:
        for path in trial.artifacts:
            local = path.local_path()
            if local is not None:
                self._client.log_artifact(run, str(local))
                continue
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / path.name
                copy.write_bytes(path.read_bytes())
                self._client.log_artifact(run, str(copy))

    def close(self) -> None:
        """MLflow has taken everything."""


def _key_of(trial: MirroredTrial) -> str:
    return f"trial-{trial.number}"
