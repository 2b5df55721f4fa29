"""Commands that train, short of training: what they refuse; and a training without a study."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ...command import run
from ..mistakes import check_mistake


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("run nothing.yaml", "no such file"),
        ("run quickstar", "did you mean quickstart?"),
        ("resume fak", "did you mean fake?"),
        ("resume ../fake", "a study's name is made of"),
        ("retry fake", "--failed"),
        ("retry fake --trial 0", "trial 0 has not failed"),
        ("run quickstart --set resources.cpus=4000 --name big", "wants 4000 CPUs"),
        ("train nothing.yaml", "nothing.yaml"),
        ("train plain.yaml --device tpu", "--device: tpu was asked for; accepted cpu | cuda"),
        ("train plain.yaml --device cuda:99", "cuda:99 was asked for; found"),
        ("run own.yaml", "nomod:net must be importable; found no module nomod"),
        (
            "run quickstart --name big --address 127.0.0.1:9",
            "no Ray cluster answers at 127.0.0.1:9",
        ),
    ],
)
def test_a_mistake_is_told_plainly(home: Path, words: str, expected: str) -> None:
    check_mistake(home, words, expected)


def test_a_recipe_is_trained_without_a_study_and_gone_on_with(home: Path) -> None:
    recipe = home / "recipe.yaml"
    recipe.write_text("model: mlp\ndata: {name: digits, train_images: 300}\nepochs: 2\n")
    said = run(home, "train", "recipe.yaml").stdout
    assert "epoch 2" in said
    assert "ended by epochs" in said
    assert "epoch 1" not in run(home, "train", "recipe.yaml").stdout


def test_a_training_by_itself_takes_the_threads_it_is_given(home: Path) -> None:
    (home / "few.yaml").write_text(
        "model: mlp\ndata: {name: digits, train_images: 300}\nepochs: 1\n"
    )
    run(home, "train", "few.yaml", "--threads", "1")
    assert (
        json.loads((home / "trainings" / "few" / "figures.json").read_text())["torch_threads"] == 1
    )
