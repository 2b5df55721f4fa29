"""The sections of a study file: what may be left out, what a short form stands for, how it reads."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from study.spec.sections import (
    Confirm,
    FileSection,
    First,
    Objective,
    Resources,
    Retries,
    Roles,
    StudyLimits,
    TrialLimits,
    column_of,
)


def test_an_objectives_direction_is_by_the_metrics_nature_unless_it_is_written() -> None:
    assert Objective(metric="val_loss").direction == "minimize"
    assert Objective(metric="val_accuracy").direction == "maximize"
    assert Objective(metric="val_loss", direction="maximize").direction == "maximize"
    assert Objective.model_validate({"metric": "val_loss", "direction": None}).sign == -1


def test_a_metric_stands_for_its_objective() -> None:
    assert Objective.model_validate("seconds") == Objective(metric="seconds")
    with pytest.raises(ValidationError):
        Resources.model_validate("cpus")


def test_total_seconds_are_the_seconds_of_the_epoch_rows() -> None:
    assert (column_of("total_seconds"), column_of("val_loss")) == ("seconds", "val_loss")


def test_resources_go_by_rays_names_where_there_are_any() -> None:
    wanted = Resources(cpus=2, gpus=0.5, custom={"license": 1})
    assert wanted.by_name == {"CPU": 2.0, "GPU": 0.5, "license": 1.0}
    assert Resources().by_name == {"CPU": 1.0}


@pytest.mark.parametrize(
    ("section", "tree"),
    [
        (StudyLimits(), {}),
        (StudyLimits(wall_hours=12), {"wall_hours": 12.0}),
        (Resources(), {"cpus": 1.0, "gpus": 0.0}),
        (Roles(nuisance=("lr",)), {"nuisance": ["lr"]}),
        (Confirm(), {"top": 3, "replicates": 5}),
        (
            Confirm.model_validate({"against": "first[2]"}),
            {"top": 3, "replicates": 5, "against": "first[2]"},
        ),
        (First(set={}), {"set": {}}),
        (First.model_validate({"set": {"optimizer.lr": 1}}), {"set": {"optimizer": {"lr": 1}}}),
        (
            TrialLimits(hours=2, retries=Retries(error=1)),
            {
                "hours": 2.0,
                "heartbeat_s": 300.0,
                "retries": {"node": 10, "error": 1, "out_of_memory": 1},
            },
        ),
    ],
)
def test_a_section_is_written_without_what_is_off_and_reads_back_equal(
    section: FileSection, tree: dict[str, Any]
) -> None:
    assert section.tree() == tree
    assert type(section).model_validate(tree) == section
