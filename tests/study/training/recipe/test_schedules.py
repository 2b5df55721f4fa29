"""What a recipe may say of each schedule."""

from __future__ import annotations

import pytest

from study.training.recipe.recipe import Recipe, parse_recipe
from study.training.recipe.schedules import NEEDS_LENGTH, MultiStep


def test_milestones_rise_and_are_read_from_a_list() -> None:
    assert MultiStep.model_validate({"milestones": [3, 7.5]}).milestones == (3.0, 7.5)
    _, (fault,) = parse_recipe({"schedule": {"name": "multistep", "milestones": [3, 3]}})
    assert str(fault) == "schedule.milestones: must rise; found [3, 3]"


@pytest.mark.parametrize("name", sorted(NEEDS_LENGTH))
def test_a_schedule_that_spans_the_training_needs_its_length_in_steps(name: str) -> None:
    _, (fault,) = parse_recipe({"schedule": name, "seconds": 5})
    assert str(fault).startswith("schedule: must have a length in epochs or steps to span")
    assert parse_recipe({"schedule": name, "steps": 5})[1] == []


def test_any_other_schedule_runs_by_time_as_well() -> None:
    recipe = Recipe.model_validate({"schedule": "step", "seconds": 5})
    assert (recipe.schedule.name, recipe.epochs) == ("step", None)
