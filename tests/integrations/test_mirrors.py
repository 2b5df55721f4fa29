"""A study mirrored to a real MLflow store and to W&B offline: number by number the journal's."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.files.layout import StudyPaths
from study.inspection.export.mirrors.mirror import Mirror
from study.inspection.export.mirrors.targets import target_of

from ..study.fake_cluster import small_spec
from ..study.fake_folder import run_into
from .mirrored import in_journal, in_mlflow, in_wandb

pytestmark = [
    pytest.mark.integrations,
    pytest.mark.filterwarnings("default"),  # the libraries' own
]


def finished_study(folder: Path) -> StudyPaths:
    paths, _ = run_into(folder / "studies", small_spec(points=4))
    assert set(in_journal(paths).values()) == {1}
    return paths


def mirror_twice(paths: StudyPaths, to: str) -> None:
    for _ in range(2):  # the second mirror finds all of it there
        with target_of(to, paths.name) as target:
            Mirror(paths, target).bring_up_to_date()


def test_mlflow_has_each_number_once(tmp_path: Path) -> None:
    tracking = pytest.importorskip("mlflow.tracking", reason="make integrations")
    paths = finished_study(tmp_path)
    uri = f"sqlite:///{tmp_path}/runs.db"
    mirror_twice(paths, f"mlflow:{uri}")
    assert in_mlflow(uri, paths.name) == in_journal(paths)
    client = tracking.MlflowClient(uri)
    experiment = client.get_experiment_by_name(paths.name)
    for run in client.search_runs([experiment.experiment_id]):
        if run.data.tags["study.key"].startswith("trial-"):
            assert "optimizer.name" in run.data.params
            assert run.data.tags["mlflow.parentRunId"]


def test_wandb_has_each_number_once_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="make integrations")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    paths = finished_study(tmp_path)
    mirror_twice(paths, "wandb")
    assert in_wandb(tmp_path) == in_journal(paths)
