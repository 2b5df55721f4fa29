"""A factory's tensors are the node's for a run, with the validation set that they may bring."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from study.training.data.datasets import DataSet, load_data_set
from study.training.data.own import factory
from study.training.recipe.sections import Data
from study.training.runtime.failures import TrainingFailure
from study.training.runtime.reading import Reading

NAME = "study.training.data.own.factory:made"
IMAGES = torch.rand(12, 1, 4, 4, generator=torch.Generator().manual_seed(0))
WHOLE = DataSet(IMAGES, torch.arange(12) % 3, IMAGES[:3], torch.arange(3), 3)


class Factory:
    """Counts how often it is called."""

    def __init__(self, made: DataSet) -> None:
        self.made = made
        self.calls = 0

    def __call__(self, data: Data, folder: Path) -> DataSet:
        self.calls += 1
        return self.made


@pytest.fixture(autouse=True)
def own_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))


def loaded(called: Factory, monkeypatch: pytest.MonkeyPatch, run: str, **data: Any) -> DataSet:
    monkeypatch.setattr(factory, "made", called, raising=False)
    return load_data_set(Data.model_validate({"name": NAME, **data}), "here", Reading(run=run))


def test_it_is_called_once_for_a_run_and_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    called = Factory(WHOLE)
    found = [loaded(called, monkeypatch, "first") for _ in range(3)]
    assert called.calls == 1
    assert {data.fingerprint for data in found} == {found[0].fingerprint}
    assert isinstance(found[2].train_images, torch.Tensor)
    assert torch.equal(found[2].train_images, IMAGES)
    loaded(called, monkeypatch, "first", image_size=8)
    loaded(called, monkeypatch, "second")
    assert called.calls == 3
    for _ in range(2):  # outside of a run nobody shares
        loaded(called, monkeypatch, "")
    assert called.calls == 5


def test_it_may_bring_a_validation_set_and_no_test_set(monkeypatch: pytest.MonkeyPatch) -> None:
    given = replace(
        WHOLE,
        test_images=IMAGES[:0],
        test_labels=WHOLE.train_labels[:0],
        validation_images=IMAGES[:4],
        validation_labels=WHOLE.train_labels[:4],
    )
    data = loaded(Factory(given), monkeypatch, "run")
    assert data.validation_labels is not None
    assert (len(data.validation_labels), len(data.test_labels)) == (4, 0)
    assert data.fingerprint != loaded(Factory(WHOLE), monkeypatch, "").fingerprint
    wrong = replace(given, validation_labels=torch.zeros(4))
    with pytest.raises(TrainingFailure, match="validation_labels must be int64"):
        loaded(Factory(wrong), monkeypatch, "")
