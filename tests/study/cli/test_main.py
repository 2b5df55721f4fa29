"""The command line as a user meets it: every command answers, and every mistake is one line and
exit code 2.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from study.files.layout import StudyPaths

from ..command import run


@pytest.fixture(scope="module")
def home(finished: StudyPaths, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished study in ./studies."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(finished.folder, folder / "studies" / "fake")
    return folder


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--help", "Hyperparameter studies"),
        ("table fake", "Leaderboard"),
        ("table fake --kind failures", ""),
        ("table fake --kind cost --format csv", ","),
        ("table fake --format latex", r"\begin{tabular}"),
        ("status fake", "points   6 of 6"),
        ("list", "fake"),
        ("logs fake", "asked  point 0"),
        ("logs fake --trial 1", "started  trial 1"),
        ("collect fake", "wrote"),
        ("report fake", "wrote studies/fake/report.html"),
        ("preview quickstart", "32 points"),
        ("schema", '"$schema"'),
        ("init fresh.yaml", "study preview fresh.yaml"),
        ("preview fresh.yaml", "study fresh"),
        ("tensorboard fake --to boards", "wrote boards"),
    ],
)
def test_every_command_answers(home: Path, words: str, expected: str) -> None:
    assert expected in run(home, *words.split()).stdout


def test_answers_can_be_read_by_programs(home: Path) -> None:
    status = json.loads(run(home, "status", "fake", "--format", "json").stdout)
    assert (status["points"], status["of"], status["driver"]) == (6, 6, "")
    rows = run(home, "query", "select count(*) as n from trials", "--format", "csv").stdout
    assert rows.splitlines() == ["n", "6"]
    preview = json.loads(run(home, "preview", "quickstart", "--format", "json").stdout)
    assert preview["points"] == 32


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("run nothing.yaml", "no such file"),
        ("run quickstar", "did you mean quickstart?"),
        ("resume fak", "did you mean fake?"),
        ("resume ../fake", "a study's name is made of"),
        ("table fake --kind leaderbord", "did you mean leaderboard?"),
        ("table fake --format jsn", "did you mean json?"),
        ("query drop", "the query can't be answered"),
        ("stop fake", "study fake is not running"),
        ("stop fake --trial 99", "trial 99 of fake is not there"),
        ("retry fake", "--failed"),
        ("retry fake --trial 0", "trial 0 has not failed"),
        ("add fake", "--set PATH=VALUE"),
        ("add fake --set optimizer.lrr=1", "did you mean"),
        ("remove fake", "say --yes"),
        ("export fake --to out --trial 77", "a trial is 'best' or a number below 6"),
        ("run quickstart --set resources.cpus=4000 --name big", "wants 4000 CPUs"),
        ("train nothing.yaml", "nothing.yaml"),
        ("train plain.yaml --device tpu", "--device: tpu was asked for; accepted cpu | cuda"),
        ("train plain.yaml --device cuda:99", "cuda:99 was asked for; found"),
        ("logs fake --trial 88", "--trial must be a number below 6"),
        ("export fake --to out --trial 0", "no whole checkpoint"),
        ("run own.yaml", "nomod:net must be importable; found no module nomod"),
        (
            "run quickstart --name big --address 127.0.0.1:9",
            "no Ray cluster answers at 127.0.0.1:9",
        ),
    ],
)
def test_a_mistake_is_told_plainly(home: Path, words: str, expected: str) -> None:
    (home / "plain.yaml").write_text("model: mlp")
    (home / "own.yaml").write_text(
        "{study: big, recipe: {model: 'nomod:net'}, sampler: first-only, first: [{set: {}}]}"
    )
    said = run(home, *words.split(), code=2).stderr
    assert expected in said
    assert "Traceback" not in said
    assert not any((home / left).exists() for left in ("studies/big", "out", "trainings/plain"))


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


def test_a_point_that_is_added_is_shown_whole(home: Path, finished: StudyPaths) -> None:
    shutil.copytree(finished.folder, home / "studies" / "more")
    inside = run(
        home, "add", "more", "--set", "optimizer.name=sgd", "--set", "optimizer.lr=0.1"
    ).stdout
    assert "optimizer.name=sgd" in inside
    assert "outside the space" not in inside
    outside = run(
        home, "add", "more", "--set", "optimizer.name=sgd", "--set", "optimizer.lr=50.0"
    ).stdout
    assert "optimizer.lr=50.0" in outside
    assert "outside the space" in outside


def test_a_study_is_removed_when_the_user_says_so(home: Path, finished: StudyPaths) -> None:
    shutil.copytree(finished.folder, home / "studies" / "gone")
    assert run(home, "remove", "gone", "--yes").stdout == "removed gone\n"
    assert not (home / "studies" / "gone").exists()
