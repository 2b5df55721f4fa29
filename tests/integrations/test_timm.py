"""Models of timm in a recipe: built for the images, trained, resumed, exported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from study.files.local_storage import LocalPath
from study.inspection.export.network import export_network
from study.training.checkpoint import Checkpoints
from study.training.loop import train
from study.training.models.factory import build_model
from study.training.models.timm_models import timm_fault
from study.training.recipe.model import ModelSpec
from study.training.recipe.recipe import Recipe

timm = pytest.importorskip("timm", reason="needs the extra: make integrations")
pytestmark = [
    pytest.mark.integrations,
    pytest.mark.filterwarnings("default"),  # the library warns of much that is meant
]

RECIPE = Recipe.model_validate(
    {
        "model": {"name": "timm:resnet18", "options": {"drop_rate": 0.1}},
        "data": {"name": "digits", "train_images": 40, "test_images": 20, "batch_size": 20},
        "epochs": 2,
    }
)


def test_it_is_what_timm_makes_for_the_images_and_classes() -> None:
    torch.manual_seed(0)
    ours = build_model(ModelSpec(name="timm:resnet18.a1_in1k"), (1, 32, 32), 7)
    torch.manual_seed(0)
    theirs = timm.create_model("resnet18.a1_in1k", num_classes=7, in_chans=1)
    assert all(map(torch.equal, ours.state_dict().values(), theirs.state_dict().values()))
    with torch.device("meta"):
        wanted = ModelSpec(name="timm:resnet18", options={"pretrained": True})
        assert next(build_model(wanted, (3, 32, 32), 10).parameters()).is_meta


def test_it_trains_resumes_and_goes_home(tmp_path: Path) -> None:
    rows = []
    store = Checkpoints(LocalPath(tmp_path / "whole"))
    train(RECIPE, report=lambda row: rows.append(row) is None, checkpoint=store)
    parts = Checkpoints(LocalPath(tmp_path / "parts"))
    train(RECIPE, report=lambda row: False, checkpoint=parts)
    rest = []
    train(RECIPE, report=lambda row: rest.append(row) is None, checkpoint=parts, reported=1)
    assert [row["val_loss"] for row in rest] == [row["val_loss"] for row in rows[1:]]
    export_network(store.folder, RECIPE, tmp_path / "home")
    source = (tmp_path / "home" / "model.py").read_text()
    made: dict[str, object] = {}
    exec(source, made)
    assert "study" not in source.replace("studying", "")
    assert callable(made["build"])


def test_a_misspelt_name_has_the_nearest() -> None:
    assert timm_fault("timm:resnet18") is None
    fault = timm_fault("timm:resnet81")
    assert fault is not None
    assert "must name a model of timm's; found 'timm:resnet81'" in str(fault)
    assert "did you mean timm:resnet" in str(fault)
    assert "timm" in sys.modules
