"""A trial's recipe, weights and figures in a folder of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from study.errors import Untrusted, UserError
from study.inspection.export_trial import export_trial

SPEC = """\
study: digits-momentum
points: 2
recipe: {model: {name: small_cnn, width: 0.5}, data: {name: digits, train_images: 300}, epochs: 1}
space: {optimizer: {one_of: {adam: {lr: {log: [1e-4, 1e-2]}}}}, accumulation: {choice: [1, 2]}}
"""
VALUES = {"optimizer.name": "adam", "optimizer.lr": 0.003, "accumulation": 2}
FRESH = """
import sys, torch
torch.set_num_threads(1)
from pathlib import Path
from tests.study.training.conftest import exported_metrics
print(exported_metrics(Path(sys.argv[1]))["accuracy"])
"""


@pytest.fixture
def trained(make: Any) -> Any:
    """A study of one point that was really trained for an epoch."""
    import torch

    from study.spec.load import load_spec
    from study.training.checkpoint import Checkpoints
    from study.training.loop import train

    torch.set_num_threads(1)
    study = make(spec=SPEC)
    trial = study.start(study.point(VALUES), 0)
    recipe = load_spec(study.paths.spec).recipe(VALUES, 0)
    rows: list[Any] = []
    study.paths.trials.make_folder()
    checkpoints = Checkpoints(study.paths.checkpoints(0, 0))
    outcome = train(recipe, report=lambda row: rows.append(row) is None, checkpoint=checkpoints)
    for row in rows:
        study.report(trial, 1, row["val_accuracy"])
    study.finish(trial, **outcome.summary)
    study.tell(0, "COMPLETE", rows[-1]["val_accuracy"])
    study.close()
    return study


def test_an_exported_winner_gives_its_recorded_test_accuracy_in_a_fresh_process(
    trained: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    chosen = export_trial(trained.paths, "best", home).trial
    figures = json.loads((home / "figures.json").read_text())
    assert (chosen.number, figures["weights_epoch"], figures["point"]) == (0, 1, 0)
    fresh = subprocess.run(
        [sys.executable, "-c", FRESH, home], capture_output=True, text=True, check=True
    )
    assert float(fresh.stdout) == figures["test_accuracy"]
    assert sorted(path.name for path in home.iterdir()) == [
        "figures.json",
        "load.py",
        "model.json",
        "model.py",
        "recipe.yaml",
        "weights.safetensors",
    ]


def test_an_exported_recipe_is_one_that_can_be_trained(trained: Any, tmp_path: Path) -> None:
    from study.training.recipe.file import read_recipe

    export_trial(trained.paths, "0", tmp_path / "home")
    recipe = read_recipe(tmp_path / "home" / "recipe.yaml")
    assert (recipe.optimizer.lr, recipe.accumulation, recipe.seed) == (0.003, 2, 0)


@pytest.mark.parametrize("word", ["11", "-1", "winner"])
def test_a_trial_that_is_not_there_is_refused(mixed: Any, tmp_path: Path, word: str) -> None:
    with pytest.raises(UserError, match="'best' or a number below 11"):
        export_trial(mixed.paths, word, tmp_path / "home")


def test_a_trial_whose_weights_were_not_kept_is_refused(mixed: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="keep_checkpoints did not keep"):
        export_trial(mixed.paths, "best", tmp_path / "home")


def test_a_study_without_a_complete_point_has_no_best_trial(make: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no point of digits-momentum is complete"):
        export_trial(make().paths, "best", tmp_path / "home")


OWN_NET = """
from pathlib import Path
from torch import nn

Path({mark!r}).write_text("loaded")


def net(image_shape, classes, hidden):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, hidden), nn.Linear(hidden, classes))
"""
OWN_SPEC = """\
study: own
points: 1
recipe: {model: {name: "export_nets:net", options: {hidden: 4}}, data: {name: digits}, epochs: 1}
space: {optimizer: {one_of: {adam: {lr: {log: [1e-4, 1e-2]}}}}}
"""


def test_for_onnx_a_strangers_network_is_loaded_only_once_its_user_trusts_it(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from study.training.checkpoint import Checkpoints

    mark = tmp_path / "mark"
    (tmp_path / "export_nets.py").write_text(OWN_NET.format(mark=str(mark)))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    study = make(spec=OWN_SPEC)
    trial = study.start(study.point({"optimizer.name": "adam", "optimizer.lr": 0.001}), 0)
    study.report(trial, 1, 0.5)
    study.finish(trial)
    study.tell(0, "COMPLETE", 0.5)
    study.close()
    network = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(64, 4), torch.nn.Linear(4, 10)
    )
    images = {
        "shape": [1, 8, 8],
        "mean": [0.3],
        "std": [0.2],
        "class_names": list("0123456789"),
    }
    study.paths.trials.make_folder()
    Checkpoints(study.paths.checkpoints(0, 0)).save(
        1, {"epoch": 1, "model": network.state_dict(), "images": images}
    )

    export_trial(study.paths, "best", tmp_path / "home")
    assert "from export_nets import net" in (tmp_path / "home" / "model.py").read_text()
    with pytest.raises(Untrusted, match="export_nets:net"):
        export_trial(study.paths, "best", tmp_path / "home", onnx=True)
    assert not mark.exists()
    export_trial(study.paths, "best", tmp_path / "home", onnx=True, trusted=True)
    assert mark.exists()
    assert (tmp_path / "home" / "model.onnx").exists()
    export_trial(study.paths, "best", tmp_path / "home", onnx=True)
