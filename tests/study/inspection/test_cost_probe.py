"""A few steps of each shape tell what a study costs."""

from __future__ import annotations

from dataclasses import replace

from study.inspection.cost_probe import shape_of
from study.inspection.preview import preview_of
from study.spec.sections import StudyLimits

from .small_spec import small


def test_measuring_gives_each_shape_its_time_and_memory_and_the_study_its_own() -> None:
    spec = small(
        recipe={"epochs": 3, "model": {"name": "small_cnn", "width": 0.25}},
        space={"epochs": {"int": [2, 3]}},
    )
    measured = preview_of(replace(spec, stop=StudyLimits(wall_hours=1e-9)), measure=True)
    assert len(measured.costs) == 1
    assert measured.costs[0].epoch_seconds is not None
    assert measured.seconds is not None
    assert measured.memory_bytes is not None
    assert any("stop.wall_hours" in note for note in measured.notes)


def test_a_shape_that_cannot_be_trained_is_a_note() -> None:
    spec = small(
        recipe={"data": {"name": "digits"}, "model": "googlenet"}, space={"epochs": {"int": [1, 2]}}
    )
    spec = replace(spec, fixed=spec.fixed | {"model": {"name": "no_such_package:factory"}})
    measured = preview_of(spec, measure=True)
    assert measured.seconds is None
    assert any("no_such_package" in note for note in measured.notes)


def test_recipes_of_one_shape_cost_the_same_whatever_their_rates_and_lengths() -> None:
    spec = small(recipe={"model": "mlp", "data": {"name": "digits"}})
    recipe = spec.recipe({"precision": "fp32", "accumulation": 1}, 0)
    longer = recipe.model_copy(update={"epochs": 99})
    assert shape_of(longer) == shape_of(recipe)
    assert shape_of(spec.recipe({"precision": "bf16", "accumulation": 1}, 0)) != shape_of(recipe)
    assert shape_of(spec.recipe({"precision": "fp32", "accumulation": 2}, 0)) != shape_of(recipe)
