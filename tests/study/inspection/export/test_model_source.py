"""``model.py`` holds what builds one network, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from study.inspection.export.model_source import model_source
from study.training.recipe.model import ModelSpec


def test_it_holds_the_definitions_that_its_network_takes_and_no_others() -> None:
    source = model_source(ModelSpec(name="mlp"), (1, 8, 8), 10)
    assert "def mlp(" in source
    assert "import study" not in source
    assert "from study" not in source
    assert "pooled_classifier" not in source, "which convolutional networks take"


def test_it_is_clean_for_a_linter(tmp_path: Path) -> None:
    for name in ("googlenet", "resnet18", "vit_b_16"):
        source = model_source(ModelSpec(name=name, softmax=True, resolution=0.5), (3, 64, 64), 10)
        (tmp_path / f"{name}.py").write_text(source)
    linter = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F", str(tmp_path)]
    done = subprocess.run(linter, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_users_own_network_is_imported_from_where_its_export_is_used(tmp_path: Path) -> None:
    model = ModelSpec(name="own.nets:Net", options={"hidden": 16, "x=1) or exit(": "a"})
    source = model_source(model, (3, 24, 24), 4)
    (tmp_path / "model.py").write_text(source)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "nets.py").write_text(
        "def Net(image_shape, classes, **options): return image_shape, classes, options\n"
    )
    command = "import sys; sys.path.insert(0, '.'); from model import build; print(build())"
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout == "((3, 24, 24), 4, {'hidden': 16, 'x=1) or exit(': 'a'})\n", done.stderr


@pytest.mark.parametrize("softmax", [True, False])
def test_what_stands_around_the_network_is_there_where_the_recipe_says_so(softmax: bool) -> None:
    source = model_source(ModelSpec(softmax=softmax), (3, 32, 32), 10)
    assert ("add_softmax(network)" in source) is softmax
    assert "resize_inputs" not in source
