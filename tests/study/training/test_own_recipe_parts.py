"""Loss, optimizer, schedule and augmentation of the user's own: as the built-in ones they repeat,
resumed bit for bit, and told by name where they are at fault.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from study.spec.load import spec_from_tree
from study.training.recipe.recipe import Recipe, parse_recipe
from study.training.recipe.recipe_paths import fields_of_forms
from study.training.runtime.failures import TrainingFailure

from .conftest import timeless, trained
from .test_resume import assert_resumes

HERE = "tests.study.training.own_recipe_parts"


def part(name: str, **options: Any) -> dict[str, Any]:
    return {"name": f"{HERE}:{name}", "options": options} if options else {"name": f"{HERE}:{name}"}


@pytest.mark.parametrize(
    ("own", "built_in"),
    [
        (
            {"loss": part("plain_loss", smoothing=0.1)},
            {"loss": {"name": "cross_entropy", "label_smoothing": 0.1}},
        ),
        (
            {"optimizer": part("plain_adamw", lr=0.01)},
            {"optimizer": {"name": "adamw", "lr": 0.01}},
        ),
        ({"data": {"augment": ["shift", part("nothing")]}}, {"data": {"augment": "shift"}}),
    ],
    ids=["loss", "optimizer", "augment"],
)
def test_one_that_repeats_a_built_in_one_trains_the_same(
    tiny: Callable[..., Recipe], own: dict[str, Any], built_in: dict[str, Any]
) -> None:
    assert timeless(trained(tiny(**own))[0]) == timeless(trained(tiny(**built_in))[0])


def test_a_schedule_is_a_factor_on_the_rates_of_the_own_groups(tiny: Callable[..., Recipe]) -> None:
    recipe = tiny(
        optimizer=part("two_rates", lr=0.1, head_lr=0.02),
        schedule=part("half_cosine", least=0.5) | {"warmup_epochs": 1},
    )
    rows, _ = trained(recipe)
    assert rows[-1]["lr"] == pytest.approx(0.05)  # the last of nine updates
    assert rows[-1]["lr.1"] == pytest.approx(0.01)
    assert rows[0]["lr"] < 0.1


@pytest.mark.parametrize("accumulation", [1, 2])
def test_resumed_is_never_stopped(tiny: Callable[..., Recipe], accumulation: int) -> None:
    recipe = tiny(
        loss=part("focal_loss", gamma=1.5) | {"l2": 1e-4},
        optimizer=part("two_rates", lr=0.1, head_lr=0.02) | {"recreate_each_epoch": True},
        schedule=part("half_cosine"),
        data={"augment": ["shift", part("noise", share=0.3)]},
        accumulation=accumulation,
    )
    assert_resumes(recipe, after=1)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"loss": part("loss_of_each")},
            "loss_of_each: must return a scalar tensor; found a tensor",
        ),
        ({"loss": part("absent")}, "absent: must be importable"),
        ({"loss": part("focal_loss", gama=1)}, "must be an argument of .*did you mean gamma"),
        ({"optimizer": part("no_optimizer")}, "must return a torch.optim.Optimizer; found list"),
        ({"schedule": part("endless")}, "endless: must return a finite number; found inf"),
        (
            {"data": {"augment": part("images_alone")}},
            "must return images and labels; found tensor",
        ),
        ({"data": {"augment": part("half_the_batch")}}, "must return tensors of .*; found "),
    ],
)
def test_what_is_at_fault_is_told_by_its_name(
    tiny: Callable[..., Recipe], changes: dict[str, Any], fault: str
) -> None:
    with pytest.raises(TrainingFailure, match=fault) as raised:
        trained(tiny(**changes))
    assert raised.value.failure_class == "invalid"


def test_their_options_are_dimensions_and_columns() -> None:
    sections = {
        "optimizer": {
            "one_of": {f"{HERE}:two_rates": {"options": {"lr": {"log": [0.01, 1]}}}, "sgd": {}}
        },
        "loss": {"options": {"gamma": {"uniform": [0, 3]}}},
        "schedule.options.least": {"choice": [0.0, 0.1]},
    }
    fixed = {"loss": part("focal_loss"), "schedule": part("half_cosine")}
    spec = spec_from_tree({"study": "own", "points": 3, "recipe": fixed, "space": sections})
    assert spec_from_tree(spec.tree()) == spec
    values = spec.space.complete({})
    cells = spec.training(values).columns()
    assert cells["optimizer.options.lr"] == 0.01
    assert (cells["loss.options.gamma"], cells["schedule.options.least"]) == (0.0, 0.0)
    assert spec.training(values).bound_to_length == f"the schedule {HERE}:half_cosine"


def test_faults_name_the_built_in_ones_and_the_form_of_own_ones() -> None:
    _, faults = parse_recipe({"optimizer": "sdg", "loss": {"name": "focal"}})
    assert [str(fault).partition(";")[0] for fault in faults] == [
        "optimizer: must name a known optimizer",
        "loss.name: must name a known loss",
    ]
    assert all("package.module:factory" in str(fault) for fault in faults)
    _, faults = parse_recipe({"optimizer": part("plain_adamw") | {"lr": 0.1}})
    assert str(faults[0]).startswith("optimizer.lr: must be a known key; found 'lr'; accepted name")
    _, faults = parse_recipe({"optimizer": part("plain_adamw"), "schedule": "switch"})
    assert str(faults[0]).startswith("optimizer.options: must have a number lr with the schedule")
    assert "package.module:factory" not in (fields_of_forms("optimizer") or {})
