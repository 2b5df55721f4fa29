"""Which fields a recipe has where, single keys of open mappings among them."""

from __future__ import annotations

from search_spaces.recipe_fields import RecipeFields

FIELDS = RecipeFields(
    frozenset({"size", "shape.name", "shape.extras"}), frozenset({"shape.extras"})
)


def test_a_key_of_an_open_mapping_is_a_field_whatever_it_is_called() -> None:
    assert FIELDS.has(("shape", "extras"))
    assert FIELDS.has(("shape", "extras", "a", "b"))
    assert not FIELDS.has(("size", "a"))
    assert FIELDS.set_by_value(("shape", "extras", "a")) == ("shape", "extras", "a")


def test_a_plain_value_at_a_section_is_its_name() -> None:
    assert FIELDS.set_by_value(("shape",)) == ("shape", "name")
    assert FIELDS.named_sections() == ["shape"]


def test_the_parts_of_a_single_key_are_counted_with_its_mapping() -> None:
    assert FIELDS.joined_parts(("shape", "extras", "a", "b")) == 3
    assert FIELDS.joined_parts(("shape", "extras")) == 0
