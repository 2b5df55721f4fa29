"""What Python users call: on finished studies in a folder, and once in a script of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import study
from study.errors import SpecError, StudyNotFound, UserError
from study.files.layout import StudyPaths
from study.spec.load import load_spec

SCRIPT = """
import study

done = study.run(
    {
        "study": "scripted",
        "points": 2,
        "concurrency": 1,
        "recipe": {"model": "mlp", "data": {"name": "digits", "train_images": 200}, "epochs": 1},
        "space": {"optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-2, 1]}}}}},
    },
    sets={"recipe.epochs": 2, "question": "Is it run?"},
)
print(done)
print("best", done.best["optimizer.lr"], sorted(map(int, done.results.trials["epochs"])))
study.add("scripted", {"optimizer.lr": 0.2, "optimizer.name": "sgd"})
more = study.resume("scripted", points=3, progress=False)
print("then", len(more.results.points), more.reason)
"""


@pytest.fixture
def storage(finished: StudyPaths, tmp_path: Path) -> Path:
    """A storage with a finished study that may be changed, ``fake``."""
    shutil.copytree(finished.folder, tmp_path / "fake")
    return tmp_path


def test_a_script_runs_a_dictionary_and_sees_what_came_of_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "study scripted: 2 points" in lines, "progress, a line for each point"
    assert [line[:5] for line in lines if line.startswith("[")] == ["[1/2]", "[2/2]"]
    assert "study scripted is complete: 2 COMPLETE" in lines
    assert any(line.startswith("best of scripted: point ") for line in lines)
    assert any(line.startswith("best 0.") and line.endswith("[2, 2]") for line in lines)
    assert lines[-1] == "then 4 complete"
    assert "Is it run?" in (tmp_path / "studies" / "scripted" / "study.yaml").read_text()


@pytest.mark.parametrize("kind", ["path", "name", "dictionary", "spec"])
def test_a_study_is_a_path_a_name_a_dictionary_or_a_spec(kind: str, tmp_path: Path) -> None:
    spec = load_spec("quickstart")
    (tmp_path / "mine.yaml").write_text(spec.yaml())
    source = {
        "path": tmp_path / "mine.yaml",
        "name": "quickstart",
        "dictionary": spec.tree(),
        "spec": spec,
    }[kind]
    seen = study.preview(source, name="other", sets={"recipe.epochs": 2}, points=8, samples=2)
    assert (seen.study, seen.points, len(seen.samples)) == ("other", 8, 2)
    assert seen.epochs == seen.trials * 2 + seen.confirmations * 2
    assert str(seen) == repr(seen) == "\n".join(seen.lines())


def test_faults_of_a_dictionary_are_told_like_a_files() -> None:
    with pytest.raises(SpecError, match="poinst: must be a known key"):
        study.preview({"study": "wrong", "poinst": 3})
    with pytest.raises(UserError, match="must be a dictionary or a list"):
        study.preview("quickstart", sets="recipe.epochs=2")


def test_a_study_is_loaded_by_name_path_and_in_company(storage: Path) -> None:
    shutil.copytree(storage / "fake", storage / "other")
    assert len(study.load("fake", storage=storage).points) == 6
    assert len(study.load(storage / "fake").points) == 6
    assert len(study.load(["fake", "other"], storage=storage).points) == 12
    with pytest.raises(StudyNotFound, match=r"no study fkae in .* \(did you mean fake\?\)"):
        study.load("fkae", storage=storage)


def test_a_status_is_data_that_reads_as_text(storage: Path) -> None:
    one = study.status("fake", storage=storage)
    assert isinstance(one, dict)
    assert one["points"] == 6
    assert str(one).startswith("fake: interrupted\n  points   6 of 6: ")
    assert one._repr_html_().startswith("<pre")
    everything = study.status(storage=storage)
    assert repr(everything) == repr(one)
    assert repr(study.status(storage=storage / "empty")) == "no studies"


def test_a_study_takes_another_share(storage: Path) -> None:
    study.share("fake", 2.5, storage=storage)
    assert "share: 2.5" in (storage / "fake" / "study.yaml").read_text()
    with pytest.raises(UserError, match=r"the share of fake is 2\.5 already"):
        study.share("fake", 2.5, storage=storage)
    study.share("fake", 2, storage=storage)
    assert "share: 2" in (storage / "fake" / "study.yaml").read_text()


def test_points_are_added_and_dropped(storage: Path) -> None:
    added = study.add("fake", {"optimizer.name": "sgd", "optimizer.lr": 0.25}, storage=storage)
    assert added == {"optimizer.name": "sgd", "optimizer.lr": 0.25}
    study.drop("fake", 0, storage=storage)
    results = study.load("fake", storage=storage)
    assert list(results.points["point"]) == [1, 2, 3, 4, 5, 6]
    assert results.dropped == ["0"]
    with pytest.raises(UserError, match="say what the point is"):
        study.add("fake", {}, storage=storage)
    with pytest.raises(UserError, match="point 0 of fake is dropped already"):
        study.drop("fake", 0, storage=storage)


def test_what_is_not_running_cannot_be_stopped(storage: Path) -> None:
    with pytest.raises(UserError, match="study fake is not running"):
        study.stop("fake", storage=storage)
    with pytest.raises(UserError, match="trial 99"):
        study.stop("fake", trial=99, storage=storage)


def test_an_export_says_what_it_lacks(storage: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="keep_checkpoints did not keep"):
        study.export("fake", tmp_path / "home", storage=storage)


def test_a_view_holds_the_settings_that_vary(storage: Path) -> None:
    results = study.load("fake", storage=storage)
    assert list(results.view()) == [
        "point",
        "rank",
        "state",
        "value",
        "seeds",
        "optimizer.lr",
        "optimizer.name",
    ]
    assert len(results.view("trials")) == len(results.trials)
    pd.testing.assert_series_equal(results.view("epochs")["epoch"], results.epochs["epoch"])
    with pytest.raises(UserError, match=r"points \| trials \| epochs"):
        results.view("trial")


def test_every_name_of_the_package_can_be_had_and_is_listed() -> None:
    for name in study.__all__:
        assert getattr(study, name) is not None
        assert name in dir(study)
    with pytest.raises(AttributeError, match="has no attribute 'sweep'"):
        _ = study.sweep
