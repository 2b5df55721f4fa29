"""Commands that change a study without training."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from study.files.layout import StudyPaths

from ..command import count, run, start, wait_for, write_slow_study
from ..fake_cluster import small_spec
from ..fake_folder import finish_in
from .mistakes import check_mistake


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("collect fake", "wrote"),
    ],
)
def test_every_command_answers(home: Path, words: str, expected: str) -> None:
    assert expected in run(home, *words.split()).stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("stop fake", "study fake is not running"),
        ("stop fake --trial 99", "--trial must be a number below 6, the trials of fake; found 99"),
        ("stop fake --trial 0", "trial 0 of fake has ended already: "),
        ("extend fake", "say how far: --points NUMBER or --replicates NUMBER"),
        ("extend fake --points 9", "is not running: study resume fake --points 9 extends it"),
        ("clean fake --results", "say --yes"),
        ("add fake", "--set PATH=VALUE"),
        ("add fake --set optimizer.lrr=1", "--set optimizer.lrr: must be a known key"),
        ("drop fake --point 6", "--point must be below 6, the points of fake; found 6"),
        ("share fake -- -1", "a share must be a finite number from 0; found -1"),
        ("share fake nan", "a share must be a finite number from 0; found nan"),
        ("share fake 1", "the share of fake is 1 already"),
        ("remove fake", "say --yes"),
    ],
)
def test_a_mistake_is_told_plainly(home: Path, words: str, expected: str) -> None:
    check_mistake(home, words, expected)


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


def test_where_a_confirmed_point_is_dropped_it_is_said_what_confirms_another(
    tmp_path: Path,
) -> None:
    spec = small_spec(points=6, pruner="none", confirm={"top": 1, "replicates": 2})
    _, controller = finish_in(tmp_path / "studies", spec)
    fresh = [trial.point for trial in controller.history.trials if trial.kind == "confirm"]
    others = {point.number for point in controller.history.points} - set(fresh)
    said = run(tmp_path, "drop", "fake", "--point", str(others.pop())).stdout
    assert "resume" not in said
    said = run(tmp_path, "drop", "fake", "--point", str(fresh[0])).stdout
    assert said.endswith("another point takes its place on fresh seeds, with: study resume fake\n")
    assert "\n  go on    study resume fake\n" in run(tmp_path, "status", "fake").stdout


def test_a_dropped_point_leaves_status_and_tables(home: Path, finished: StudyPaths) -> None:
    shutil.copytree(finished.folder, home / "studies" / "less")
    best = json.loads(run(home, "status", "less", "--format", "json").stdout)["best_point"]
    said = run(home, "drop", "less", "--point", str(best)).stdout
    assert said == f"dropped point {best}\n"
    status = json.loads(run(home, "status", "less", "--format", "json").stdout)
    assert status["best_point"] not in (best, None)
    assert (status["dropped"], sum(status["states"].values())) == (1, 5)
    assert "; 1 dropped" in run(home, "status", "less").stdout
    table = json.loads(run(home, "table", "less", "--format", "json").stdout)
    assert best not in [row["point"] for row in table["rows"]]
    assert f"dropped  point {best}" in run(home, "logs", "less").stdout
    again = run(home, "drop", "less", "--point", str(best), code=2).stderr
    assert f"point {best} of less is dropped already" in again


def test_a_share_holds_from_now_on_and_changes_no_study(home: Path, finished: StudyPaths) -> None:
    shutil.copytree(finished.folder, home / "studies" / "sharing")
    said = run(home, "share", "sharing", "2.5").stdout
    assert said == "the share of sharing is 2.5 from now on\n"
    assert "share: 2.5" in (home / "studies" / "sharing" / "study.yaml").read_text()
    assert "share: 1 -> 2.5" in run(home, "logs", "sharing").stdout
    before = json.loads(run(home, "status", "fake", "--format", "json").stdout)
    after = json.loads(run(home, "status", "sharing", "--format", "json").stdout)
    assert after["best"] == before["best"]
    run(home, "share", "sharing", "0")


def test_a_study_is_removed_when_the_user_says_so(home: Path, finished: StudyPaths) -> None:
    shutil.copytree(finished.folder, home / "studies" / "gone")
    assert run(home, "remove", "gone", "--yes").stdout == "removed gone\n"
    assert not (home / "studies" / "gone").exists()


def test_what_can_be_deleted_is_said_with_its_size_before_it_is(
    home: Path, finished: StudyPaths
) -> None:
    shutil.copytree(finished.folder, home / "studies" / "large")
    folder = home / "studies" / "large"
    said = run(home, "clean", "large").stdout
    assert "large: checkpoints 500 B (of ended trials: " in said
    assert "; --checkpoints deletes them\n" in said
    assert (folder / "results").is_dir()
    assert list(folder.glob("trials/*/checkpoints/*"))
    said = run(home, "clean", "large", "--checkpoints", "--yes").stdout
    assert said.endswith("large: 500 B deleted\n")
    assert not list(folder.glob("trials/*/checkpoints/*"))
    run(home, "clean", "large", "--results", "--yes")
    assert not (folder / "results").exists()
    assert run(home, "clean", "large").stdout == ""
    run(home, "collect", "large")
    assert (folder / "results" / "points.parquet").is_file()


def test_a_study_that_runs_goes_on_to_more_points(tmp_path: Path) -> None:
    file = write_slow_study(tmp_path, points=2, concurrency=1, pruner="none")
    waits = tmp_path / "waits"
    waits.touch()
    module = tmp_path / "slow.py"
    step = "time.sleep(self.pause_s)"
    wait = f"while __import__('os').path.exists({str(waits)!r}): time.sleep(0.05)"
    module.write_text(module.read_text().replace(step, wait))
    driver = start(tmp_path, "run", str(file))
    try:
        wait_for(lambda: count(tmp_path, "placed"), "the first trial")
        said = run(tmp_path, "extend", "tiny", "--points", "3").stdout
        waits.unlink()
        assert said == "asked the driver of tiny to go on: points: 2 -> 3\n"
        shown, _ = driver.communicate()
    finally:
        driver.wait()
    assert driver.returncode == 0
    assert "extended: points: 2 -> 3" in shown
    assert "\n[3/3] point " in shown
    assert json.loads(run(tmp_path, "status", "tiny", "--format", "json").stdout)["of"] == 3
