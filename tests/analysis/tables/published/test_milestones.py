from __future__ import annotations

from typing import Any

import pytest

from analysis import statistics
from analysis.rendering import Table
from analysis.results import load
from analysis.tables.published.milestones import milestones_table

from ...trained_points import ADAM, trained

PART = "k of r seeds"


def column(shown: Table, name: str) -> list[Any]:
    position = [header.name for header in shown.headers].index(name)
    return [row[position] for row in shown.rows]


def test_milestones_give_accuracy_and_cumulative_seconds(mixed: Any) -> None:
    shown = milestones_table(load(mixed.paths), epochs=(1, 3))
    assert column(shown, "epoch")[:2] == [1, 3]
    assert [cell.value for cell in column(shown, "seconds")][:2] == [5.5, 7.5]
    assert set(column(shown, "seeds")) == {2}
    assert not any(PART in note for note in shown.notes)


def test_an_epoch_that_fewer_seeds_reached_says_so(make: Any) -> None:
    study = make(replicates=3)
    curves = ([0.5, 0.6, 0.7], [0.4, 0.3], [0.2])
    trained(study, curves, ["COMPLETE", "PRUNED", "PRUNED"], origin="first", entry=0)
    shown = milestones_table(load(study.paths), epochs=(1, 2, 3))
    assert column(shown, "seeds") == [3, "2 of 3", "1 of 3"]
    assert any(note.startswith(PART) for note in shown.notes)


def test_a_seed_that_failed_at_once_is_one_of_those_that_are_missing(make: Any) -> None:
    study = make()
    trained(study, ([0.5], []), ["COMPLETE", "FAIL"], origin="first", entry=0)
    assert column(milestones_table(load(study.paths)), "seeds") == ["1 of 2"]


def test_while_a_finished_point_gets_more_seeds_its_figures_stand(make: Any) -> None:
    study = make()
    point = trained(
        study, ([0.5, 0.6], [0.7, 0.8]), ["COMPLETE", "COMPLETE"], origin="first", entry=0
    )
    trial = study.start(point, 2)
    study.report(trial, 1, 0.1)
    shown = milestones_table(load(study.paths), epochs=(1,))
    assert column(shown, "seeds") == [2]
    assert column(shown, "val_accuracy")[0].value == pytest.approx(0.6)


def test_first_points_come_in_their_order_and_of_equal_others_the_lower_number(make: Any) -> None:
    study = make(replicates=1)
    for accuracy in (0.8, 0.7, 0.8, 0.9):
        trained(study, ([accuracy],), ["COMPLETE"])
    trained(study, ([0.1],), ["FAIL"], origin="first", entry=0)
    shown = milestones_table(load(study.paths), top=3)
    assert column(shown, "point") == [4, 3, 0, 2]


def test_a_test_accuracys_interval_is_over_seeds_and_images(make: Any) -> None:
    study = make()
    point = study.point(ADAM, origin="first", entry=0)
    for replicate, accuracy in enumerate((0.88, 0.90)):
        trial = study.start(point, replicate)
        study.report(trial, 1, 0.5, test_accuracy=accuracy)
        study.finish(trial, data_fingerprint="5bec: train 100, val 20, test 360")
    study.tell(point, "COMPLETE", 0.5)
    assert column(milestones_table(load(study.paths)), "test_accuracy") == [
        statistics.mean_accuracy([0.88, 0.90], 360)
    ]
