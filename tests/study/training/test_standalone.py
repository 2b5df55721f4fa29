"""One training in a folder: interrupted and gone on with, it is the one that was never
interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.errors import SpecError, UserError
from study.training.epoch_row import EpochRow
from study.training.recipe.file import read_recipe
from study.training.recipe.recipe import Recipe
from study.training.standalone import TrainingFolder, train_recipe_file

from .conftest import timeless, trained


def rows_in(folder: Path) -> list[EpochRow]:
    return [json.loads(line) for line in (folder / "epochs.jsonl").read_text().splitlines()]


def interrupt_after(epoch: int, shown: list[EpochRow]) -> Callable[[EpochRow], None]:
    def show(row: EpochRow) -> None:
        shown.append(row)
        if row["epoch"] == epoch:
            raise KeyboardInterrupt

    return show


def test_interrupted_and_gone_on_with_is_never_interrupted(
    tiny: Callable[..., Recipe], tmp_path: Path
) -> None:
    expected, outcome = trained(tiny())
    shown: list[EpochRow] = []
    for epoch in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            train_recipe_file(tiny(), tmp_path, show=interrupt_after(epoch, shown))
    again = train_recipe_file(tiny(), tmp_path, show=shown.append)
    assert [row["epoch"] for row in shown] == [1, 2, 3]
    found = timeless(rows_in(tmp_path))
    assert found == [
        {key: value for key, value in row.items() if key != "last"} for row in timeless(expected)
    ]
    assert again.summary["test_loss"] == outcome.summary["test_loss"]
    assert {path.name for path in tmp_path.iterdir()} == {
        "recipe.yaml",
        "checkpoints",
        "epochs.jsonl",
        "figures.json",
    }


def test_an_ended_training_is_read_back_and_not_repeated(
    tiny: Callable[..., Recipe], tmp_path: Path
) -> None:
    first = train_recipe_file(tiny(), tmp_path)
    shown: list[EpochRow] = []
    second = train_recipe_file(tiny(), tmp_path, show=shown.append)
    assert (second, shown) == (first, [])


def test_a_line_cut_short_is_written_again(tiny: Callable[..., Recipe], tmp_path: Path) -> None:
    train_recipe_file(tiny(), tmp_path)
    files = TrainingFolder(tmp_path)
    whole = files.epochs.read_bytes()
    files.figures.unlink()
    files.epochs.write_bytes(whole[:-30])
    train_recipe_file(tiny(), tmp_path)
    assert files.epochs.read_bytes() == whole


def test_another_recipe_in_the_folder_is_refused_with_the_difference(
    tiny: Callable[..., Recipe], tmp_path: Path
) -> None:
    train_recipe_file(tiny(), tmp_path)
    with pytest.raises(UserError, match=r"epochs: 3 there, 5 now; seed: 0 there, 1 now"):
        train_recipe_file(tiny(epochs=5, seed=1), tmp_path)


def test_the_recipe_is_written_out_in_full_and_reads_back(
    tiny: Callable[..., Recipe], tmp_path: Path
) -> None:
    train_recipe_file(tiny(), tmp_path)
    assert read_recipe(tmp_path / "recipe.yaml") == tiny()


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


def test_options_win_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "epochs: 3\noptimizer: {name: sgd, lr: 1e-1}\n")
    recipe: Any = read_recipe(
        path, ["epochs=5", "optimizer.momentum=0.9", "data.augment=shift", "schedule=cosine"]
    )
    assert (recipe.epochs, recipe.optimizer.lr, recipe.optimizer.momentum) == (5, 0.1, 0.9)
    assert (recipe.data.augment.name, recipe.schedule.name) == ("shift", "cosine")


@pytest.mark.parametrize(
    ("text", "sets", "lines"),
    [
        (
            "epochs: 3\noptimizer:\n  lr: fast\n",
            [],
            ["{path}:3: optimizer.lr: must be a number; found 'fast'"],
        ),
        ("epochs: 3\n", ["epochs=0"], ["--set epochs=0: epochs: must be at least 1; found 0"]),
        (
            "epochs: 3\n",
            ["epochs"],
            ["--set: must be path=value; found 'epochs'; accepted such as optimizer.lr=0.1"],
        ),
        ("- 1\n", [], ["{path}:1: must be a mapping; found [1]"]),
    ],
)
def test_each_fault_names_its_line_or_its_option(
    tmp_path: Path, text: str, sets: list[str], lines: list[str]
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SpecError) as caught:
        read_recipe(path, sets)
    assert list(caught.value.lines) == [line.format(path=path) for line in lines]


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="must be a readable file"):
        read_recipe(tmp_path / "none.yaml")
