"""A recipe is tried with every value of a space, and pairs and points for rules over several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.distributions import Choice, Integer
from search_spaces.recipe_check import can_coexist, recipe_faults
from search_spaces.space import Space, Variable
from search_spaces.validation import Fault


class Divided:
    """A recipe whose parts must divide its whole."""

    def __init__(self) -> None:
        self.tried = 0

    def parse_recipe(self, tree: Mapping[str, Any]) -> tuple[object, list[Fault]]:
        self.tried += 1
        whole, parts = tree.get("whole", 12), tree.get("parts", 1)
        if parts < 1:
            return None, [Fault(("parts",), "must be at least 1", str(parts))]
        if whole % parts:
            return None, [Fault(("parts",), f"must divide {whole}", str(parts))]
        return tree, []

    def merge(self, base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, Any]:
        return {**base, **over}

    def field_paths(self) -> frozenset[str]:
        return frozenset({"whole", "parts"})

    def open_fields(self) -> frozenset[str]:
        return frozenset()


def space(wholes: tuple[int, ...], parts: tuple[int, ...]) -> Space:
    return Space(
        (
            Variable("whole", "whole", Choice(wholes), (), ("whole",)),
            Variable("parts", "parts", Choice(parts), (), ("parts",)),
        )
    )


def test_a_sound_space_has_no_faults() -> None:
    assert recipe_faults(space((12, 24), (1, 2, 3)), {}, Divided(), {}) == []


def test_a_rule_over_two_fields_is_tried_with_every_pair() -> None:
    (fault,) = recipe_faults(space((12, 16), (1, 3)), {}, Divided(), {})
    assert str(fault) == "space.parts.choice[1]: must divide 16; found 3"


def test_pairs_are_tried_only_where_each_value_is_sound_by_itself() -> None:
    check = Divided()
    (fault,) = recipe_faults(space((12, 16), (1, 0)), {}, check, {})
    assert str(fault) == "space.parts.choice[1]: must be at least 1; found 0"
    assert check.tried == 3  # the first values of both, and each other one: no point twice


def test_a_fixed_or_an_overriding_value_is_at_fault_where_it_stands() -> None:
    nothing = Space(())
    (fixed,) = recipe_faults(nothing, {"parts": 5}, Divided(), {})
    assert fixed.path == ("recipe", "parts")
    (overriding,) = recipe_faults(nothing, {}, Divided(), {"parts": 5})
    assert overriding.path == ("overrides", "parts")


def test_the_bound_of_a_range_is_named() -> None:
    wide = Space((Variable("parts", "parts", Integer(0, 1), (), ("parts",)),))
    (fault,) = recipe_faults(wide, {}, Divided(), {})
    assert fault.path == ("space", "parts", "int", 0)


def test_two_branches_of_one_section_never_meet() -> None:
    assert can_coexist((("a", "x"),), (("a", "x"), ("b", "y")))
    assert not can_coexist((("a", "x"),), (("a", "z"),))


def test_points_that_rules_keep_out_may_be_refused_by_the_recipe() -> None:
    tried = space((12, 16), (1, 3))
    assert recipe_faults(tried, {}, Divided(), {}, lambda values: values["parts"] == 1) == []
    assert recipe_faults(tried, {}, Divided(), {}, lambda values: values["parts"] == 3) != []
