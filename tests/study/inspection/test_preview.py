"""Before a study runs: the preview's figures, the starting file, the JSON Schema that editors check
with.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from search_spaces.random_trial import RandomTrial
from study.files.yaml_reader import read_yaml
from study.inspection.format import bytes_text, seconds_text
from study.inspection.preview import Preview, preview_of
from study.inspection.preview_points import points_of
from study.spec.json_schema import json_schema
from study.spec.load import load_spec, shipped_studies, spec_from_tree
from study.spec.sections import Resources, StudyLimits
from study.spec.spec import StudySpec
from study.spec.template import starting_file


@pytest.fixture(scope="module")
def quickstart() -> StudySpec:
    return load_spec("quickstart")


@pytest.fixture(scope="module")
def preview(quickstart: StudySpec) -> Preview:
    return preview_of(quickstart, 5)


def small(**keys: Any) -> StudySpec:
    space = {"precision": {"choice": ["fp32", "bf16"]}, "accumulation": {"choice": [1, 2]}}
    return spec_from_tree({"study": "s", "points": 6, "space": space} | keys)


def test_a_preview_shows_the_space_and_points_from_it(
    quickstart: StudySpec, preview: Preview
) -> None:
    assert preview.rows == quickstart.space.rows()
    assert len(preview.samples) == 5
    assert preview.samples[0] == quickstart.first_values(0)
    assert all(quickstart.params_of(point) is not None for point in preview.samples)


def test_a_single_point_of_nothing_but_the_recipe_leaves_no_empty_parts() -> None:
    spec = spec_from_tree({"study": "s", "sampler": "first-only", "first": [{"set": {}}]})
    text = "\n".join(preview_of(spec, 5).lines())
    assert "\n1 point (" in text
    assert "\n1 trial, " in text
    assert "\n\n\n" not in text


def test_each_level_of_a_method_study_has_its_own_to_confirm() -> None:
    spec = small(
        mode="method-study",
        roles={"scientific": ["precision"], "nuisance": ["accumulation"]},
        confirm={"top": 1, "replicates": 3},
    )
    assert preview_of(spec, 2).confirmations == 6


def test_the_shares_of_the_branches_of_a_section_add_up(preview: Preview) -> None:
    shares: dict[str, float] = {}
    for row in preview.branches:
        shares[row["path"]] = shares.get(row["path"], 0) + row["share"]
    assert shares == pytest.approx({"optimizer.name": 1})


def test_each_section_of_branches_has_its_own_shares() -> None:
    space = {
        "optimizer": {"one_of": {"sgd": {}, "adam": {}}},
        "schedule": {"one_of": {"constant": {}, "cosine": {}}},
    }
    shares: dict[str, float] = {}
    for row in preview_of(small(space=space)).branches:
        shares[row["path"]] = shares.get(row["path"], 0) + row["share"]
    assert shares == pytest.approx({"optimizer.name": 1, "schedule.name": 1})


def test_totals_are_bounds_without_pruning(quickstart: StudySpec, preview: Preview) -> None:
    assert (preview.points, preview.trials, preview.confirmations) == (32, 32 * 3, 3 * 8)
    assert preview.epochs == (32 * 3 + 3 * 8) * 5
    assert preview.disk_bytes > 0
    twice = preview_of(
        spec_from_tree(
            quickstart.tree() | {"replicates": 2, "confirm": {"top": 3, "replicates": 5}}
        )
    )
    assert (twice.trials, twice.confirmations, twice.epochs) == (64, 2 * 3 * 5, (64 + 30) * 5)


def test_points_that_would_repeat_are_counted() -> None:
    assert preview_of(small()).duplicates >= 2
    assert preview_of(small(sampler="grid")).duplicates == 0


def test_a_grid_and_a_list_of_points_are_shown_as_they_are() -> None:
    grid = small(sampler="grid")
    assert preview_of(grid).samples == grid.space.grid()
    listed = spec_from_tree(
        {"study": "s", "sampler": "first-only", "first": [{"set": {"epochs": 2}}]}
    )
    assert preview_of(listed).samples == [{"epochs": 2}]


def test_the_levels_of_a_method_study_take_turns() -> None:
    spec = small(mode="method-study", roles={"scientific": ["precision"]})
    points = points_of(spec)
    assert [next(points)["precision"] for _ in range(4)] == ["fp32", "bf16", "fp32", "bf16"]
    assert preview_of(spec).levels == 2


def test_what_this_machine_lacks_is_a_note_and_no_error() -> None:
    spec = replace(small(), concurrency=3, resources=Resources(cpus=10_000, gpus=1))
    notes = preview_of(spec).notes
    assert any("10000 CPUs at once; this machine has" in note for note in notes)
    assert any("1 GPUs at once; this machine has" in note for note in notes)


def test_a_preview_is_plain_data_and_text(preview: Preview) -> None:
    assert json.loads(json.dumps(preview.tree()))["points"] == 32
    text = "\n".join(preview.lines())
    assert "optimizer.lr        [0.01, 1], log     optimizer = sgd" in text
    assert "96 trials and 24 to confirm" in text


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


def test_dice_keep_to_bounds_and_steps() -> None:
    dice = RandomTrial(0)
    assert all(
        1e-5 <= dice.suggest_float("x", 1e-5, 1e-1, step=None, log=True) <= 1e-1 for _ in range(100)
    )
    assert {dice.suggest_float("x", 0.0, 0.3, step=0.1, log=False) for _ in range(100)} == {
        0.0,
        0.1,
        0.2,
        0.3,
    }
    assert {dice.suggest_int("x", 1, 4, step=1, log=True) for _ in range(200)} == {1, 2, 3, 4}
    assert {dice.suggest_int("x", 0, 6, step=3, log=False) for _ in range(100)} == {0, 3, 6}


@pytest.mark.parametrize(
    ("number", "text"),
    [(999, "999 B"), (1234, "1.23 kB"), (5e9, "5 GB"), (3e13, "30 TB")],
)
def test_bytes_read_well(number: float, text: str) -> None:
    assert bytes_text(number) == text


@pytest.mark.parametrize(("number", "text"), [(3.21, "3.21 s"), (600, "10 min"), (36_000, "10 h")])
def test_seconds_read_well(number: float, text: str) -> None:
    assert seconds_text(number) == text


# -- writing one -----------------------------------------------------------------------


def test_the_starting_file_is_valid_as_it_stands() -> None:
    document = read_yaml(starting_file("tuesday"))
    spec = spec_from_tree(document.tree)
    assert spec.study == "tuesday"
    assert spec.first_params(0) is not None


def test_the_starting_file_is_valid_with_everything_in_it_switched_on() -> None:
    lines = starting_file().splitlines()
    on = [
        line[2:] if line.startswith("# ") and line.split()[1].endswith(":") else line
        for line in lines
    ]
    spec = spec_from_tree(read_yaml("\n".join(on)).tree)
    assert spec.mode == "method-study"
    assert spec.confirm is not None
    assert spec.stop.wall_hours == 12


@pytest.fixture(scope="module")
def checker() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", shipped_studies())
def test_shipped_studies_satisfy_the_schema(
    name: str, checker: jsonschema.Draft202012Validator
) -> None:
    written = read_yaml(shipped_studies()[name].read_bytes()).tree
    assert list(checker.iter_errors(written)) == []
    assert list(checker.iter_errors(load_spec(name).tree())) == []


def test_the_starting_file_satisfies_the_schema(checker: jsonschema.Draft202012Validator) -> None:
    assert list(checker.iter_errors(read_yaml(starting_file()).tree)) == []


@pytest.mark.parametrize(
    "keys",
    [
        {"pionts": 3},
        {"replicates": True},
        {"sampler": "bayes"},
        {"resources": {"gpus": 2}},
        {"recipe": {"optimizer": "adma"}},
        {"recipe": {"epochs": 0}},
        {"recipe": {"seed": 1}},
        {"space": {"optimizer": {"lr": {"min": 0, "max": 1}}}},
        {"space": {"optimizer": {"lr": {"log": [1]}}}},
        {"space": {"optimizer": {"one_of": {"sgd": {"lrate": 1}}}}},
        {"first": [{"published": []}]},
    ],
)
def test_the_schema_refuses_what_validation_refuses(
    keys: dict[str, Any], checker: jsonschema.Draft202012Validator
) -> None:
    assert list(checker.iter_errors({"study": "s", "points": 4} | keys))


def test_what_is_confirmed_and_the_best_epochs_weights_count_among_what_is_kept(
    quickstart: StudySpec,
) -> None:
    def disk(**changes: Any) -> int:
        bare = replace(quickstart, confirm=None)
        return preview_of(spec_from_tree(bare.tree() | changes), 1).disk_bytes

    metric = {"metric": "val_accuracy", "direction": "maximize"}
    assert disk(objective=metric) < disk(objective=metric | {"at": "best"})
    seed = disk(replicates=2) - disk(replicates=1)
    assert seed < disk(replicates=2, confirm={"top": 2, "replicates": 1}) - disk(replicates=1)
