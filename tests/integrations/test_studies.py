"""Studies of the libraries' scripts by the real command, on the real Ray."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import analysis

from ..docs.pages import ROOT, blocks_of, typed_in
from ..docs.shell import run

pytestmark = pytest.mark.integrations

KILLS = 10
EPOCHS = 16
MEASURED = ("attempt", "time", "seconds")


def epochs_of(tree: dict[str, Any], folder: Path) -> pd.DataFrame:
    """Run a study, and return the rows of its epochs without what was measured."""
    file = folder / f"{tree['study']}.yaml"
    file.write_text(json.dumps(tree))
    run([sys.executable, "-m", "study.cli", "run", str(file)], folder)
    results = analysis.load(folder / "studies" / tree["study"])
    assert set(results.trials["state"]) == {"COMPLETE"}
    epochs = results.epochs.sort_values(["trial", "epoch"])
    return epochs.drop(columns=[name for name in MEASURED if name in epochs])


@pytest.mark.parametrize(
    ("script", "package", "metric"),
    [
        ("lightning_net", "lightning", "val_loss"),
        ("language_model", "transformers", "eval_loss"),
    ],
)
def test_a_study_that_is_killed_ten_times_is_one_that_never_was(
    script: str, package: str, metric: str, tmp_path: Path
) -> None:
    pytest.importorskip(f"study.integrations.{package}", reason="make integrations")
    tree = {
        "study": "undisturbed",
        "train": f"tests.integrations.scripts.{script}:train",
        "objective": {"metric": metric, "direction": "minimize"},
        "points": 1,
        "sampler": "random",
        "trial": {"retries": {"node": KILLS}},
        "recipe": {"epochs": EPOCHS, "kills": 0},
        "space": {"lr": {"log": [1e-3, 1e-1]}},
    }
    whole = epochs_of(tree, tmp_path)
    recipe = {"epochs": EPOCHS, "kills": KILLS}
    killed = epochs_of(tree | {"study": "killed", "recipe": recipe}, tmp_path)
    trials = analysis.load(tmp_path / "studies" / "killed").trials
    assert list(trials["attempts"]) == [KILLS + 1]
    assert len(whole) == EPOCHS
    pd.testing.assert_frame_equal(
        killed.drop(columns="study"), whole.drop(columns="study"), check_exact=True
    )


def test_the_page_can_be_followed(tmp_path: Path) -> None:
    for package in ("lightning", "transformers", "accelerate"):
        pytest.importorskip(package, reason="make integrations")
    for block in blocks_of(ROOT / "docs" / "lightning.md"):
        if block.title:
            loads_torchvision = block.language == "python"
            first = "import study.training.runtime.torchvision\n" if loads_torchvision else ""
            (tmp_path / block.title).write_text(first + block.text)
        elif typed_in(block):
            lines = typed_in(block).splitlines()
            typed = [line for line in lines if not line.startswith("pip install ")]
            run(["bash", "-euo", "pipefail", "-c", "\n".join(typed)], tmp_path)
    for name in ("digits-lit", "repeats", "digits-accelerated"):
        states = set(analysis.load(tmp_path / "studies" / name).trials["state"])
        assert "COMPLETE" in states
        assert states <= {"COMPLETE", "PRUNED"}
