"""The best point: one and the same in status, display and export, by fresh seeds where there are
any.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from study.cli.progress import best_line
from study.files.atomic import make_folder, write_whole
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.inspection.export_trial import best_trial, figures_of
from study.inspection.status import status_of, status_text
from study.journal.history import History
from study.journal.journal import read_records
from study.journal.ranking import best_point, fresh_value, ranked, ranks
from study.journal.spec_versions import open_journal
from study.journal.trials import Point
from study.spec.spec import StudySpec

from ..fake_cluster import Storage, controller_on, curve, drive, small_spec


def turned(recipe: dict[str, Any], epoch: int) -> dict[str, Any]:
    """On fresh seeds the best of the search are the worst."""
    row = curve(recipe, epoch)
    return row | {
        "val_accuracy": 1 - row["val_accuracy"] if recipe["seed"] >= 1000 else row["val_accuracy"]
    }


def study_in(folder: Path, added: int = 0, **changes: Any) -> tuple[StudyPaths, StudySpec]:
    """The folder of a study that has run on the fake cluster, with points that a user added."""
    spec, paths, storage = small_spec(**changes), StudyPaths(LocalPath(folder), "fake"), Storage()
    controller = controller_on(storage, spec)
    for number in range(added):
        controller.add_point({"optimizer.name": "sgd", "optimizer.lr": 0.002 + number / 1000})
    drive(controller, curve=turned)
    make_folder(paths.folder)
    write_whole(paths.spec, spec.yaml())
    journal = open_journal(paths)
    journal.append(*storage.events)
    journal.close()
    return paths, spec


@pytest.fixture(scope="module")
def confirmed(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyPaths, StudySpec]:
    return study_in(
        tmp_path_factory.mktemp("studies"),
        points=30,
        replicates=2,
        confirm={"top": 3, "replicates": 2},
    )


def test_confirmed_points_rank_first_by_their_fresh_seeds(
    confirmed: tuple[StudyPaths, StudySpec],
) -> None:
    paths, spec = confirmed
    places = ranked(History(read_records(paths.journal)).points, spec, whole_seeds=True)
    assert [place.name for place, _ in places[:4]] == ["confirmed"] * 3 + ["searched"]
    fresh = [fresh_value(point, spec) or 0.0 for _, point in places[:3]]
    assert fresh == sorted(fresh, reverse=True)
    searched = [point.value for _, point in places]
    assert searched[0] < max(searched), (
        "the fresh seeds have not turned the order: the test shows nothing"
    )
    assert searched[3:] == sorted(searched[3:], reverse=True)
    assert ranks([place for place, _ in places]) == list(range(1, len(places) + 1))


def test_status_display_and_export_name_the_same_point_and_by_what_it_is_the_best(
    confirmed: tuple[StudyPaths, StudySpec],
) -> None:
    paths, spec = confirmed
    history = History(read_records(paths.journal))
    best = best_point(history.points, spec, whole_seeds=True)
    assert best is not None
    fresh = fresh_value(best, spec)
    status = status_of(paths)
    assert (status["best_point"], status["best"], status["best_fresh"]) == (
        best.number,
        best.value,
        fresh,
    )
    assert status["best_standing"] == "confirmed"
    line = next(line for line in status_text(status).splitlines() if "best" in line)
    assert (
        f"{fresh:.4g} on fresh seeds ({best.value:.4g} in the search) at point {best.number}"
        in line
    )
    assert best_line(best, spec).startswith(f"{fresh:.4g} on fresh seeds, point {best.number} ")
    trial = best_trial(history, spec, paths)
    figures = json.loads(json.dumps(figures_of(history, spec, trial)))
    assert (trial.point, trial.kind) == (best.number, "search")
    assert (figures["standing"], figures["point_value"], figures["fresh_value"]) == (
        "confirmed",
        best.value,
        fresh,
    )


def test_without_a_confirmation_the_best_is_told_as_the_searchs(tmp_path: Path) -> None:
    paths, spec = study_in(tmp_path)
    status = status_of(paths)
    assert (status["best_standing"], status["best_fresh"]) == ("searched", None)
    assert "seeds" not in status_text(status)
    history = History(read_records(paths.journal))
    figures = figures_of(history, spec, best_trial(history, spec, paths))
    assert (figures["standing"], figures["fresh_value"]) == ("searched", None)
    pruned = next(trial for trial in history.trials if trial.state == "PRUNED")
    assert figures_of(history, spec, pruned)["standing"] is None


def test_a_point_that_was_raced_out_never_ranks_above_one_with_all_its_seeds(
    tmp_path: Path,
) -> None:
    paths, spec = study_in(
        tmp_path, replicates=3, pruner="none", racing={"threshold": 0.001}, points=20
    )
    places = ranked(History(read_records(paths.journal)).points, spec, whole_seeds=True)
    names = [place.name for place, _ in places]
    assert names == sorted(names, key=["searched", "partial"].index)
    assert set(names) == {"searched", "partial"}
    values = {
        name: [point.value for place, point in places if place.name == name] for name in names
    }
    assert max(values["partial"]) > min(values["searched"])


def test_points_that_tie_share_a_rank_and_the_first_of_them_is_the_best() -> None:
    spec = small_spec()

    def point(number: int, value: float) -> Point:
        made = Point(number, {}, "sampler", None, 0, None, True, 0.0, state="COMPLETE", value=value)
        made.seeds = (0,)
        return made

    points = [point(0, 0.8), point(1, 0.9), point(2, 0.7), point(3, 0.9)]
    places = ranked(points[::-1], spec, whole_seeds=True)
    assert [found.number for _, found in places] == [1, 3, 0, 2]
    assert ranks([place for place, _ in places]) == [1, 1, 3, 4]
    assert best_point(points[::-1], spec, whole_seeds=True) is points[1]
    assert best_point(points, spec, whole_seeds=True) is points[1]


@pytest.mark.parametrize(("added", "text"), [(0, "12 of 12: "), (1, "12 of 12, and 1 added: ")])
def test_points_that_a_user_added_are_counted_apart(tmp_path: Path, added: int, text: str) -> None:
    paths, _ = study_in(tmp_path, added=added)
    status = status_of(paths)
    assert (status["points"], status["of"], status["added"]) == (12 + added, 12, added)
    assert f"points   {text}" in status_text(status)
