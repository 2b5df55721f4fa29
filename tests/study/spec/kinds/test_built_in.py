"""Options of parts of one's own in a study of recipes: dimensions, columns and names of rules."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from study.errors import SpecError
from study.results.arrow_table import arrow_table
from study.spec.load import added_values, load_spec, spec_from_tree

SPEC = spec_from_tree(
    {
        "study": "own",
        "points": 4,
        "recipe": {"model": {"name": "my.parts:net", "options": {"act": "relu"}}},
        "space": {"model": {"options": {"hidden": {"log_int": [8, 64]}}}},
        "require": ["model.options.hidden <= 32"],
        "first": [
            {"set": {"model.options.hidden": 16, "model.options.act": "tanh"}},
            {"set": {"model.options": {"hidden": 8}}},
        ],
    }
)


def options_of(spec: object, values: dict[str, object]) -> object:
    assert isinstance(spec, type(SPEC))
    return spec.recipe(values, seed=0).model.options


def test_an_option_that_is_varied_leaves_the_fixed_ones() -> None:
    assert options_of(SPEC, {"model.options.hidden": 9}) == {"act": "relu", "hidden": 9}


def test_an_entry_of_first_lies_in_the_space_where_all_its_options_do() -> None:
    assert options_of(SPEC, SPEC.first_values(0)) == {"act": "tanh", "hidden": 16}
    assert SPEC.first_params(0) is None  # the space has no tanh
    assert options_of(SPEC, SPEC.first_values(1)) == {"hidden": 8}
    assert SPEC.params_of({"model.options.hidden": 16}) == {"model.options.hidden": 16}


def test_it_reads_back_equal_and_takes_overrides_and_added_points(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(SPEC.yaml())
    assert load_spec(file) == SPEC
    over = load_spec(file, sets=["recipe.model.options.act=gelu"])
    assert options_of(over, {"model.options.hidden": 9}) == {"act": "gelu", "hidden": 9}
    fixed = load_spec(file, sets=["recipe.model.options.hidden=7", "sampler=first-only"])
    assert fixed.space.paths() == ()
    assert options_of(fixed, fixed.first_values(0)) == {"act": "tanh", "hidden": 7}
    values, is_in_space = added_values(SPEC, ["model.options.hidden=20"])
    assert (values, is_in_space) == ({"model.options.hidden": 20}, True)


def test_each_option_has_a_column() -> None:
    cells = SPEC.training({"model.options.hidden": 9}).columns()
    assert (cells["model.options.hidden"], cells["model.options.act"]) == (9, "relu")
    table = arrow_table("points", [dict(cells)])
    assert table.schema.field("model.options.hidden").type == pa.float64()
    assert table["model.options.act"].to_pylist() == ["relu"]


def test_other_tools_words_for_a_distribution_of_an_option_are_a_fault_with_ours() -> None:
    tree = SPEC.tree() | {"space": {"model": {"options": {"hidden": {"min": 1, "max": 2}}}}}
    with pytest.raises(SpecError, match=r"space.model.options.hidden.*did you mean log"):
        spec_from_tree(tree)
