"""The bench of searches against what can be worked out by hand, on a space of four points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from study.spec.load import spec_from_tree

from .distance import Distance, Stand
from .first_epoch import FirstEpochSearch
from .foreign import Answer, run_foreign
from .measures import Spent, pooled_ratio, regret, spent_epochs, spent_time
from .own_study import OwnStudy
from .ray_tune import TuneSearch
from .recorded import EPOCHS, RECORDINGS, SPACES, RecordedPoint, RecordedSpace, recorded_space
from .story import Finished, Story

LARGEST_BYTES = 3_000_000
HEIGHTS = {0.0: 0.1, 0.4: 0.9, 0.6: 0.5, 1.0: 0.3}
"""By weight decay what a point of the small space reaches; its curve is flat."""


@pytest.fixture
def small_space() -> RecordedSpace:
    """Four points, of which an epoch of the best one costs twice that of the others; the worst one
    fails with its second seed.
    """
    spec = spec_from_tree(
        {
            "study": "small",
            "objective": {"metric": "val_accuracy", "direction": "maximize"},
            "points": 4,
            "recipe": {"epochs": EPOCHS, "optimizer": {"name": "sgd", "lr": 0.1}},
            "space": {"optimizer": {"weight_decay": {"uniform": [0, 1]}}},
        }
    )
    points = []
    for decay, height in HEIGHTS.items():
        whole = (height,) * EPOCHS
        curves = (whole, whole[:2] if decay == 0.0 else whole)
        cost = 2.0 if height == max(HEIGHTS.values()) else 1.0
        points.append(RecordedPoint({"optimizer.weight_decay": decay}, cost, curves))
    return RecordedSpace("small", spec, points)


class _AllToTheEnd:
    """A search of so many points, all at the same place."""

    def __init__(self, count: int, decay: float) -> None:
        self._left = count
        self._decay = decay
        self._next = 0

    def next(self) -> int | None:
        if self._next == self._left:
            return None
        self._next += 1
        return self._next - 1

    def values(self, trial: int) -> Mapping[str, Any]:
        return {"optimizer.weight_decay": self._decay + 1e-6 * trial}

    def report(self, trial: int, epoch: int, value: float) -> Answer:
        return "go"

    def end(self, trial: int, value: float | None) -> None:
        pass


@pytest.mark.parametrize("name", SPACES)
def test_what_is_recorded_lies_in_its_space_and_stays_small(name: str) -> None:
    space = recorded_space(name)
    assert all(space.spec.space.params_of(point.values) for point in space.points)
    assert all(len(curve) <= EPOCHS for point in space.points for curve in point.curves)
    assert np.mean([point.epoch_cost for point in space.points]) == pytest.approx(1)
    assert (
        sum(path.stat().st_size for path in RECORDINGS.iterdir() if path.is_file()) < LARGEST_BYTES
    )


def test_the_nearest_point_stands_for_a_proposal_and_for_no_other_after_that(
    small_space: RecordedSpace,
) -> None:
    stand = Stand(small_space.distance)
    assert stand.point_for({"optimizer.weight_decay": 0.41}) == 1
    assert stand.point_for({"optimizer.weight_decay": 0.41}) == 1, "the same proposal"
    assert stand.point_for({"optimizer.weight_decay": 0.42}) == 2, "the nearest that is left"


def test_a_choice_is_as_far_as_a_whole_range_and_a_branch_s_own_values_count_within_it() -> None:
    space = spec_from_tree(
        {
            "study": "branches",
            "points": 1,
            "space": {
                "optimizer": {
                    "one_of": {
                        "sgd": {"lr": {"log": [1e-3, 1]}},
                        "adam": {"lr": {"log": [1e-4, 1e-2]}},
                    }
                }
            },
        }
    ).space
    points = [
        {"optimizer.name": "sgd", "optimizer.lr": 1.0},
        {"optimizer.name": "adam", "optimizer.lr": 1e-3},
    ]
    distance = Distance(space, points)
    middle = {"optimizer.name": "sgd", "optimizer.lr": 10**-1.5}
    assert distance.to_all(distance.coordinates(middle)) == pytest.approx([0.25, 1.0])


def test_epochs_and_virtual_time_are_counted_over_all_workers(small_space: RecordedSpace) -> None:
    story = run_foreign(small_space, _AllToTheEnd(3, 0.41), number=0, workers=3)
    assert story.epochs == 3 * EPOCHS
    assert story.moment == 2 * EPOCHS, "the best point's epochs cost twice as much"
    first = story.first_of(small_space.best(0.25))
    assert first is not None
    assert first.moment == 2 * EPOCHS
    assert first.value == 0.9


def test_a_training_that_fails_ends_where_it_failed(small_space: RecordedSpace) -> None:
    story = run_foreign(small_space, _AllToTheEnd(1, 0.0), number=1, workers=1)
    assert story.epochs == 3
    assert story.finished == []


def test_the_plainest_rule_trains_all_once_and_the_best_to_their_end(
    small_space: RecordedSpace,
) -> None:
    search = FirstEpochSearch(small_space, number=0, points=4, keep=2)
    story = run_foreign(small_space, search, number=0, workers=2)
    assert story.epochs == 4 + 2 * (EPOCHS - 1)
    assert [each.value for each in story.finished] == [0.5, 0.9], "the dearer one is done later"


@pytest.mark.parametrize("scheduler", ["asha", "hyperband"])
@pytest.mark.parametrize("optuna", [False, True])
@pytest.mark.filterwarnings("ignore")  # Tune's own
def test_tune_s_schedulers_stop_what_is_worse(
    small_space: RecordedSpace, scheduler: str, optuna: bool
) -> None:
    search = TuneSearch(small_space, scheduler, 0, 4, optuna=optuna)
    story = run_foreign(small_space, search, number=0, workers=1)
    assert 0 < len(story.finished) <= 4
    assert 0.9 in [each.value for each in story.finished]
    if scheduler == "asha":
        assert story.epochs < 4 * EPOCHS


@pytest.mark.parametrize("reproducible", [True, False])
def test_the_project_s_own_studies_run_on_recorded_curves(
    small_space: RecordedSpace, reproducible: bool
) -> None:
    changes = {"sampler": {"name": "random"}, "pruner": "none", "reproducible": reproducible}
    story = OwnStudy(small_space, changes, number=0, workers=2, points=4).run()
    assert story.epochs == 4 * EPOCHS
    assert sorted(each.value for each in story.finished) == sorted(HEIGHTS.values())
    assert story.moment >= 5 * EPOCHS / 2, "two workers, and one point that costs twice"


def test_trials_that_a_pruner_sets_aside_go_on_where_they_stood(
    small_space: RecordedSpace,
) -> None:
    changes = {"sampler": {"name": "random"}, "pruner": {"name": "first-epochs", "keep": 2}}
    story = OwnStudy(small_space, changes, number=0, workers=2, points=4).run()
    assert story.epochs == 4 + 2 * (EPOCHS - 1)
    assert sorted(each.value for each in story.finished) == [0.5, 0.9]


def test_an_own_study_repeats_itself_and_stops_by_its_pruner(small_space: RecordedSpace) -> None:
    changes = {"sampler": {"name": "tpe"}, "pruner": {"name": "asha"}}
    one, other = (
        OwnStudy(small_space, changes, number=1, workers=2, points=4).run() for _ in range(2)
    )
    assert one == other
    assert one.epochs < 4 * EPOCHS


def test_the_expected_time_counts_what_was_spent_in_vain(small_space: RecordedSpace) -> None:
    found = Story([Finished(10, 4.0, 1, 0.9)], epochs=30, moment=9.0)
    in_vain = Story([Finished(20, 8.0, 2, 0.5)], epochs=40, moment=16.0)
    epochs = spent_epochs(small_space, [found, in_vain, found], 0.25)
    assert epochs.expected().value == (10 + 40 + 10) / 2
    assert spent_time(small_space, [found, in_vain, found], 0.25).expected().value == 12
    assert epochs.ratio_to(epochs).value == 1


def test_ratios_are_paired() -> None:
    spent = Spent(np.array([10.0, 40.0]), np.array([True, True]))
    double = Spent(2 * spent.costs, spent.found)
    ratio = double.ratio_to(spent)
    assert ratio.low == ratio.value == ratio.high == 2


def test_spaces_are_pooled_by_their_geometric_mean() -> None:
    spent = Spent(np.array([10.0, 40.0]), np.array([True, True]))
    double = Spent(2 * spent.costs, spent.found)
    assert pooled_ratio([(double, spent)]) == double.ratio_to(spent)
    pooled = pooled_ratio([(double, spent), (spent, double), (double, spent)])
    assert pooled.value == pytest.approx(2 ** (1 / 3))
    assert pooled.low == pytest.approx(pooled.high)
    one, other = (
        Spent(np.array([10.0, 20.0]), spent.found),
        Spent(np.array([20.0, 10.0]), spent.found),
    )
    by_itself = pooled_ratio([(one, other), (other, one)])
    assert by_itself.low < 1 < by_itself.high, "a space's repetitions say nothing of another's"


def test_what_is_never_found_takes_for_ever() -> None:
    never = Spent(np.array([5.0, 5.0]), np.array([False, False]))
    assert never.expected().value == np.inf


def test_the_winner_is_confirmed_on_the_other_seed(small_space: RecordedSpace) -> None:
    lucky = Finished(1, 1.0, 3, 0.95)
    story = Story([lucky, Finished(2, 2.0, 1, 0.9)], epochs=2, moment=2.0)
    assert story.winner(small_space, seed=0) == 1
    assert regret(small_space, [story]).value == 0
    assert regret(small_space, [story], within=1).value == pytest.approx(0.9 - 0.3)
    assert regret(small_space, [Story()]).value == pytest.approx(0.9 - 0.5), "the median point"
