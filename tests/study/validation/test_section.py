"""The base of what a user writes: frozen and strict, and its forms are found by their names."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError
from pydantic_core import PydanticCustomError

from study.validation.section import (
    FACTORY_FORM,
    Section,
    checked_name,
    forms_in,
    is_factory_name,
    keys_at,
    list_to_tuple,
    rule,
    sections_in,
)


class Circle(Section):
    name: Literal["circle"] = "circle"
    radius: float = 1.0


class Square(Section):
    name: Literal["square"] = "square"
    side: float = 1.0


class Own(Section):
    name: str


class Pen(Section):
    width: int = 1


class Drawing(Section):
    shape: Circle | Square | Own = Circle()
    pens: tuple[Pen, ...] = ()
    title: Annotated[str, Field(min_length=1)] | None = None


FORMS = forms_in(Drawing)


def test_a_section_is_frozen_and_strict() -> None:
    with pytest.raises(ValidationError):
        Pen(width=True)
    with pytest.raises(ValidationError):
        Pen(width=1, colour="red")  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        Pen().width = 3  # type: ignore[misc]


def test_forms_are_found_by_their_names_and_an_open_one_as_a_factory() -> None:
    assert {("shape",): {"circle": Circle, "square": Square, FACTORY_FORM: Own}} == FORMS


def test_sections_are_found_in_unions_lists_and_annotations() -> None:
    assert sections_in(Drawing.model_fields["shape"].annotation) == [Circle, Square, Own]
    assert sections_in(Drawing.model_fields["pens"].annotation) == [Pen]
    assert sections_in(Drawing.model_fields["title"].annotation) == []


def test_the_keys_of_a_mapping_are_those_of_its_form() -> None:
    assert keys_at(Drawing, (), None, FORMS) == ["shape", "pens", "title"]
    assert keys_at(Drawing, ("shape",), "square", FORMS) == ["name", "side"]
    assert keys_at(Drawing, ("pens",), None, FORMS) == ["width"]
    assert keys_at(Drawing, ("title",), None, FORMS) == []


@pytest.mark.parametrize("name", ["a:b", "a.b:c", "_a.b2:_c"])
def test_a_factory_is_a_module_and_a_name_in_it(name: str) -> None:
    assert is_factory_name(name)
    assert checked_name(name, "shape", ["circle"]) == name


@pytest.mark.parametrize("name", ["", "a", "a.b", "a:", ":b", "a..b:c", "a:b.c", "1a:b"])
def test_anything_else_is_none(name: str) -> None:
    assert not is_factory_name(name)


def test_an_unknown_name_breaks_a_rule_that_lists_the_known_ones() -> None:
    with pytest.raises(PydanticCustomError) as caught:
        checked_name("cirle", "shape", ["circle", "square"])
    assert caught.value.context is not None
    assert caught.value.context["must"] == "must name a known shape"
    assert caught.value.context["accepted"] == f"circle | square | {FACTORY_FORM}"
    assert caught.value.context["nearest"] == "circle"


def test_a_rules_words_may_hold_braces() -> None:
    assert rule("must be {} or one_of: {...}").message() == "must be {} or one_of: {...}"


def test_lists_become_tuples_and_all_else_stays() -> None:
    assert list_to_tuple([1, 2]) == (1, 2)
    assert list_to_tuple("ab") == "ab"
