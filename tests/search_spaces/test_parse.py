"""The ``space:`` of a study file: a mirror of the recipe, read with any schema that has one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.parse import parse_space
from search_spaces.space import Constant, Variable
from search_spaces.validation import Fault


class Tiny:
    """A recipe of three fields that takes whatever is written, but negative sizes and lists of shapes."""

    def parse_recipe(self, tree: Mapping[str, object]) -> tuple[object, list[Fault]]:
        size = tree.get("size")
        if isinstance(size, int) and size < 0:
            return None, [Fault(("size",), "must not be negative", str(size))]
        if isinstance(tree.get("shape"), list):
            return None, [Fault(("shape",), "must be one shape", "a list")]
        return tree, []

    def merge(self, base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, Any]:
        return {**base, **over}

    def field_paths(self) -> frozenset[str]:
        return frozenset({"size", "shape.name", "shape.width", "extras"})

    def open_fields(self) -> frozenset[str]:
        return frozenset({"extras"})


def lines(tree: object) -> list[str]:
    return [str(fault) for fault in parse_space(tree, {}, Tiny())[1]]


def test_branches_hold_their_own_variables_under_names_of_their_own() -> None:
    branches = {"box": {"width": {"int": [1, 3]}}, "dot": {"width": 0}}
    space, faults = parse_space({"shape": {"one_of": branches}}, {}, Tiny())
    assert faults == []
    shape, width, fixed = space.items
    assert isinstance(shape, Variable)
    assert (shape.name, shape.path, shape.branch) == ("shape", "shape.name", True)
    assert isinstance(width, Variable)
    assert (width.name, width.path, width.given) == (
        "shape.box.width",
        "shape.width",
        (("shape", "box"),),
    )
    assert fixed == Constant(
        "shape.width", 0, (("shape", "dot"),), ("shape", "one_of", "dot", "width")
    )


def test_faults_are_at_their_paths_in_the_study_file() -> None:
    assert lines({"sise": 1}) == [
        "space.sise: must be a known key; found 'sise'; accepted extras | shape | size (did you mean size?)"
    ]
    assert lines({"size": {"one_of": {"a": {}}}}) == [
        "space.size.one_of: must stand at a section that has a name; found a mapping with a;"
        " accepted shape (did you mean choice?)"
    ]
    assert lines({"shape": [1]})[0].startswith("space.shape: must be a name or a mapping; ")
    assert lines({"size": 1, "shape": {"width": 1}, "shape.width": 2}) == [
        "space.shape.width: must set shape.width only once; found 'shape.width'"
    ]


def test_what_the_recipe_refuses_is_told_where_the_space_has_it() -> None:
    assert lines({"size": {"choice": [1, -2]}}) == [
        "space.size.choice[1]: must not be negative; found -2"
    ]


def test_overridden_paths_leave_the_space() -> None:
    tree = {"size": {"int": [1, 3]}, "shape": {"one_of": {"box": {"width": 1}, "dot": {}}}}
    assert parse_space(tree, {}, Tiny(), {"size": 2})[0].paths() == ("shape.name", "shape.width")
    assert parse_space(tree, {}, Tiny(), {"shape.name": "dot"})[0].paths() == ("size", "shape.name")
    assert parse_space(tree, {}, Tiny(), {"shape.name": "egg"})[0].paths() == ("size",)


def test_keys_of_a_mapping_of_the_users_own_are_varied_one_by_one() -> None:
    tree = {"extras": {"depth": {"int": [1, 3]}, "name": "x"}, "extras.a.b": {"choice": [1, 2]}}
    space, faults = parse_space(tree, {}, Tiny())
    assert faults == []
    assert space.paths() == ("extras.depth", "extras.name", "extras.a.b")
    assert [variable.name for variable in space.variables] == ["extras.depth", "extras.a.b"]
    assert parse_space(space.tree(), {}, Tiny())[0] == space


def test_a_mapping_of_the_users_own_without_distributions_is_one_value() -> None:
    space, _ = parse_space({"extras": {"depth": 2}}, {}, Tiny())
    assert space.items == (Constant("extras", {"depth": 2}, (), ("extras",)),)
    single, _ = parse_space({"extras.depth": 2}, {}, Tiny())
    assert single.paths() == ("extras.depth",)
    assert parse_space(single.tree(), {}, Tiny())[0] == single


def test_a_mapping_of_the_users_own_has_no_branches() -> None:
    (branches,) = lines({"extras": {"depth": {"one_of": {"a": {}}}}})
    assert branches.startswith("space.extras.depth.one_of: must stand at a section that has a name")
