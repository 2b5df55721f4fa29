"""Weights & Biases: a run for each trial that has ended, grouped by its point, online or offline.

W&B can't take an epoch back, so that a trial waits until it has its outcome. A run's id follows
from the study and the trial. What was mirrored is noted in ``study-mirrors`` within W&B's own
folder; of a run that was broken off offline the rest is removed before it is written again.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from study.errors import UserError
from study.files.atomic import make_folder, write_whole
from study.inspection.export.mirrors.story import MirroredPoint, MirroredTrial, Story
from study.inspection.export.mirrors.target import Target


class Wandb(Target):
    """A project of Weights & Biases."""

    def __init__(self, project: str) -> None:
        try:
            import wandb
        except ImportError:
            raise UserError("wandb is not installed: pip install 'ray-study[wandb]'") from None
        self._wandb: Any = wandb
        entity, _, self._project = project.rpartition("/")
        self._entity = entity or None
        self._folder = Path(os.environ.get("WANDB_DIR", ".")).absolute()
        self._identity = ""
        self._stamps: dict[str, str] = {}

    def begin(self, story: Story) -> str:
        if not self._identity:
            self._identity = story.identity
            if self._note.exists():
                self._stamps = json.loads(self._note.read_text())
        return f"W&B's project {self._project}"

    @property
    def _note(self) -> Path:
        name = f"{self._project}-{self._identity}.json"
        return self._folder / "wandb" / "study-mirrors" / name

    def is_done(self, trial: MirroredTrial) -> bool:
        return not trial.has_ended or self._stamps.get(str(trial.number)) == trial.stamp

    def put_point(self, point: MirroredPoint) -> None:
        """A point is the group of its trials."""

    def put_trial(self, trial: MirroredTrial) -> None:
        run_id = f"{self._identity}-{trial.number}"
        make_folder(self._note.parent)
        for left in (self._folder / "wandb").glob(f"offline-run-*-{run_id}"):
            shutil.rmtree(left)
        run = self._wandb.init(
            project=self._project,
            entity=self._entity,
            dir=str(self._folder),
            id=run_id,
            name=f"trial-{trial.number}",
            group=f"point-{trial.point}",
            job_type=trial.kind,
            config=dict(trial.settings),
            tags=[trial.state],
            resume="allow",
            reinit="finish_previous",
            settings=self._wandb.Settings(console="off", silent=True),
        )
        for epoch in trial.epochs:
            run.log({**epoch.metrics, "reported": epoch.time}, step=epoch.epoch)
        run.summary.update({**trial.tags, **{f"end/{k}": v for k, v in trial.figures.items()}})
        for path in trial.artifacts:
            local = path.local_path()
            if local is not None:
                run.save(str(local), base_path=str(local.parent), policy="now")
        run.finish(exit_code=0 if trial.state != "FAIL" else 1)
        self._stamps[str(trial.number)] = trial.stamp
        write_whole(self._note, json.dumps(self._stamps))

    def close(self) -> None:
        """Each run is whole by itself."""
