"""A study of a training of one's own, by the real command on the real Ray."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .command import count, end_what_is_left, history_of, kill, outcome, run, start, wait_for

CODE = """
import os, time
import torch
from torch import nn

PAUSE_S = float(os.environ.get("PAUSE_S", "0"))

def train(config, session):
    net = nn.Sequential(nn.Linear(4, config["width"]), nn.Dropout(0.2), nn.Linear(config["width"], 1))
    optimizer = torch.optim.SGD(net.parameters(), config["lr"], config["optimizer"].get("momentum", 0))
    inputs = torch.randn(64, 4, generator=torch.Generator().manual_seed(session.seed))
    saved = session.restore()
    if saved:
        net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
    print("goes on from", session.epoch)
    for epoch in range(session.epoch, config["epochs"]):
        time.sleep(PAUSE_S)
        for batch in torch.randperm(64).split(16):
            loss = (net(inputs[batch]) - inputs[batch].sum(1, keepdim=True)).square().mean()
            optimizer.zero_grad(); loss.backward(); optimizer.step()
        state = {"net": net.state_dict(), "optimizer": optimizer.state_dict()}
        session.report({"error": loss.item(), "fit": 1 / (1 + loss.item())}, state=state)
    (session.folder / "note.txt").write_text("done")
    session.keep(session.folder / "note.txt")
"""
STUDY: dict[str, Any] = {
    "study": "tiny",
    "train": "line:train",
    "objective": {"metric": "fit", "direction": "maximize"},
    "points": 6,
    "replicates": 2,
    "concurrency": 2,
    "pruner": {"name": "asha", "min_epochs": 1, "reduction": 2},
    "confirm": {"top": 1, "replicates": 2},
    "recipe": {"epochs": 4, "width": 8},
    "space": {
        "lr": {"log": [1e-3, 1e-1]},
        "optimizer": {"one_of": {"sgd": {"momentum": {"uniform": [0, 0.9]}}, "plain": {}}},
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "line.py").write_text(CODE)
    write(tmp_path)
    return tmp_path


def write(folder: Path, **changes: Any) -> None:
    (folder / "tiny.yaml").write_text(json.dumps(STUDY | changes))


@pytest.mark.faults
@pytest.mark.parametrize("kills", [1, 3])
def test_killed_it_equals_the_uninterrupted_study(
    kills: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    whole = tmp_path_factory.mktemp("whole")
    for file in ("line.py", "tiny.yaml"):
        (whole / file).write_text((folder / file).read_text())
    run(whole, "run", "tiny.yaml")
    monkeypatch.setenv("PAUSE_S", "0.3")
    try:
        for words in (["run", "tiny.yaml"], ["resume", "tiny"], ["resume", "tiny"])[:kills]:
            enough = count(folder, "reported") + 5
            driver = start(folder, *words)
            wait_for(lambda least=enough: count(folder, "reported") >= least, "five more epochs")  # type: ignore[misc]
            kill(driver)
    finally:
        end_what_is_left()
    monkeypatch.setenv("PAUSE_S", "0")
    done = run(folder, "resume", "tiny")
    assert "has changed" not in done.stdout
    assert outcome(history_of(folder)) == outcome(history_of(whole))
    history = history_of(folder)
    assert any(len(trial.attempts) > 1 for trial in history.trials)
    assert {point.state for point in history.points} == {"COMPLETE", "PRUNED"}
    assert sum(trial.kind == "confirm" for trial in history.trials) == 2

    # what has come of it is shown and taken home like a recipe's
    run(folder, "report", "tiny")
    asked = run(folder, "query", "select count(fit_best) as n from trials", "--format", "json")
    assert json.loads(asked.stdout)["rows"][0]["n"] == len(history.trials)
    run(folder, "export", "tiny", "--to", "best")
    assert json.loads((folder / "best" / "config.json").read_text()).keys() >= {"lr", "width"}
    assert {"state.safetensors", "figures.json"} <= {p.name for p in (folder / "best").iterdir()}
    assert (folder / "best" / "kept" / "note.txt").read_text() == "done"

    # changed code is told of, and a reproducible study isn't gone on with by it unasked
    (folder / "line.py").write_text(CODE + "# changed\n")
    refused = run(folder, "resume", "tiny", "--points", "7", code=2)
    assert "the code of line:train has changed" in refused.stderr
    assert len(history_of(folder).specs) == 1, "the study is as it was"
    accepted = run(folder, "resume", "tiny", "--points", "7", "--accept-change")
    assert "the code of line:train has changed" in accepted.stdout


def test_an_objective_that_is_not_reported_stops_the_study_with_what_came(folder: Path) -> None:
    alone = {"points": 1, "pruner": "none", "replicates": 1}
    write(folder, objective={"metric": "iou", "direction": "maximize"}, **alone)
    done = run(folder, "run", "tiny.yaml", code=2)
    assert "the objective iou must be among the metrics; reported: error, fit" in done.stderr
    (folder / "line.py").write_text(CODE.replace('"error"', '"iou"'))
    run(folder, "resume", "tiny", "--accept-change")
    assert {point.state for point in history_of(folder).points} == {"COMPLETE"}
