"""One training of one's own function in a folder, without a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from study.errors import SpecError, UserError
from study.spec.load import own_training_in
from study.training.own.surroundings import OwnRow
from study.training.standalone import OwnConfig, train_config

CODE = """
import torch

def train(config, session):
    saved = session.restore()
    value = saved["value"] if saved else torch.zeros(1)
    for epoch in range(session.epoch, config["epochs"]):
        value = value + config["lr"] * torch.rand(1)
        session.report({"fit": value.sum()}, state={"value": value})
"""
STUDY: dict[str, Any] = {
    "study": "s",
    "train": "standing_alone:train",
    "objective": {"metric": "fit", "direction": "maximize"},
    "points": 3,
    "recipe": {"epochs": 3},
    "space": {"lr": {"log": [1e-3, 1]}},
}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnConfig:
    (tmp_path / "standing_alone.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return OwnConfig("standing_alone:train", {"epochs": 3, "lr": 0.1}, ("fit",), 3)


def test_interrupted_it_goes_on_to_the_same_end(own: OwnConfig, tmp_path: Path) -> None:
    def interrupt(row: OwnRow) -> None:
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_config(own, tmp_path / "halves", show=interrupt)
    assert train_config(own, tmp_path / "halves").stop_reason == "returned"
    train_config(own, tmp_path / "whole")
    assert reported(tmp_path / "halves") == reported(tmp_path / "whole")
    assert len(reported(tmp_path / "whole")) == 3


def reported(folder: Path) -> list[float]:
    lines = (folder / "epochs.jsonl").read_text().splitlines()
    return [json.loads(line)["fit"] for line in lines]


def test_what_has_ended_is_not_done_again_nor_something_else_in_its_folder(
    own: OwnConfig, tmp_path: Path
) -> None:
    train_config(own, tmp_path / "one")
    shown: list[OwnRow] = []
    train_config(own, tmp_path / "one", show=shown.append)
    assert shown == []
    other = OwnConfig(own.train, {"epochs": 3, "lr": 0.2})
    with pytest.raises(UserError, match=r"another config \(config.lr: 0.1 -> 0.2\)"):
        train_config(other, tmp_path / "one")


def test_a_study_file_gives_the_function_and_what_the_options_leave_open(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(json.dumps(STUDY))
    point = own_training_in(str(file), ["lr=0.1"])
    assert point is not None
    assert (point.train, point.config) == ("standing_alone:train", {"epochs": 3, "lr": 0.1})
    assert (point.objectives, point.epochs) == (("fit",), 3)
    with pytest.raises(SpecError, match="must set lr, which space varies"):
        own_training_in(str(file), [])
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("model: mlp\n")
    assert own_training_in(str(recipe), []) is None
    assert own_training_in(str(tmp_path / "not-there.yaml"), []) is None
