"""A recipe file: one recipe as YAML, options over it, each fault with its line or its option."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.errors import SpecError
from study.training.recipe.file import read_recipe

TEXT = "model: mlp\noptimizer:\n  name: sgd\n  lr: 0.5\nepochs: 3\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(TEXT)
    return path


def lines_of(file: Path, *sets: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read_recipe(file, sets)
    return [line.replace(str(file), "f") for line in caught.value.lines]


def test_a_file_is_a_recipe_and_options_win_over_it(file: Path) -> None:
    recipe = read_recipe(file)
    assert (recipe.model.name, recipe.optimizer.lr, recipe.epochs) == ("mlp", 0.5, 3)
    changed = read_recipe(file, ["optimizer=adam", "epochs=5", "data={batch_size: 32}"])
    assert (changed.optimizer.name, changed.epochs, changed.data.batch_size) == ("adam", 5, 32)


def test_faults_of_the_file_have_its_lines(file: Path) -> None:
    file.write_text(TEXT.replace("0.5", "-1").replace("epochs: 3", "epoch: 3"))
    found = lines_of(file)
    assert found[0] == "f:4: optimizer.lr: must be greater than 0; found -1"
    assert found[1].startswith("f:5: epoch: must be a known key; ")


def test_faults_of_options_have_their_texts(file: Path) -> None:
    assert lines_of(file, "epochs=0") == ["--set epochs=0: epochs: must be at least 1; found 0"]
    assert lines_of(file, "nonsense") == [
        "--set: must be path=value; found 'nonsense'; accepted such as optimizer.lr=0.1"
    ]
    assert lines_of(file, "optimizer.lr=[1")[0].startswith("--set optimizer.lr=[1: ")


def test_a_file_that_is_none_is_one_line(tmp_path: Path) -> None:
    assert lines_of(tmp_path / "missing.yaml") == [
        "f:1: must be a readable file; found No such file or directory"
    ]
    (tmp_path / "list.yaml").write_text("- 1\n")
    assert lines_of(tmp_path / "list.yaml") == ["f:1: must be a mapping; found [1]"]
