from __future__ import annotations

from analysis.selection.trials import (
    complete_trials,
    confirmation_trials,
    counted_trials,
    fresh_trials,
    has_several_studies,
    is_steered_by_test_set,
    rows_of_point,
    search_trials,
)

from ..coverage.worlds import World, lr, spec_of


def world() -> World:
    """Point 0 is confirmed on two seeds, point 1 failed."""
    world = World(spec_of(confirm={"top": 1, "replicates": 2}))
    point = world.whole(lr(0.1), [0.7])
    failed = world.point(lr(0.2))
    world.trial(failed, 0, [], state="FAIL")
    world.tell(failed, "FAIL")
    world.confirm(point, [0.6, 0.65])
    return world


def test_the_searchs_trials_and_the_confirmations_are_all_trials() -> None:
    trials = world().results.trials
    assert list(search_trials(trials)["point"]) == [0, 1]
    assert list(confirmation_trials(trials)["point"]) == [0, 0]
    assert list(complete_trials(trials)["state"].unique()) == ["COMPLETE"]


def test_a_points_value_is_of_counted_trials_and_what_it_is_worth_of_fresh_ones() -> None:
    results = world().results
    assert list(counted_trials(results.trials)["value"]) == [0.7]
    assert list(fresh_trials(results.trials)["value"]) == [0.6, 0.65]
    (point, _) = results.points.to_dict("records")
    assert len(rows_of_point(results.trials, point)) == 3
    assert len(rows_of_point(results.epochs, point)) == 3


def test_one_study_validated_on_its_own_images_needs_no_name_and_no_warning() -> None:
    results = world().results
    assert not has_several_studies(results)
    assert not is_steered_by_test_set(results)
