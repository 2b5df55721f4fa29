"""A document is validated whole: all faults together, each where the user wrote it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, model_validator

from study.validation.document import parse_document
from study.validation.section import OneOrMore, Section, rule
from study.validation.vocabulary import Vocabulary


class Line(Section):
    name: Literal["line"] = "line"
    length: Annotated[float, Field(gt=0)] = 1.0


class Circle(Section):
    name: Literal["circle"] = "circle"
    radius: Annotated[int, Field(ge=1, le=9)] = 1


class Mark(Section):
    text: str


class Drawing(Section):
    title: str
    shape: Annotated[Line | Circle, Field(discriminator="name")] = Line()
    ink: Literal["black", "blue"] = "black"
    marks: Annotated[tuple[Mark, ...], OneOrMore()] = ()
    low: int = 0
    high: int = 9

    @model_validator(mode="after")
    def _in_order(self) -> Drawing:
        if self.low > self.high:
            raise rule(f"must be at most high, which is {self.high}", ["low"], beside=["high"])
        return self


VOCABULARY = Vocabulary(
    Drawing,
    key_synonyms={(): {"name": "title"}},
    common_key_synonyms={"r": "radius"},
    value_synonyms={("ink",): {"navy-blue": "blue"}},
    kinds={("shape",): "figure"},
    placeholders={("title",): "untitled", ("marks",): {"text": ""}, ("marks", "text"): ""},
)


def faults_of(**tree: Any) -> list[str]:
    return [str(fault) for fault in parse_document(VOCABULARY, tree)[1]]


def test_a_sound_document_has_no_faults() -> None:
    drawing, faults = parse_document(VOCABULARY, {"title": "a", "marks": {"text": "x"}})
    assert drawing == Drawing(title="a", marks=(Mark(text="x"),))
    assert faults == []


@pytest.mark.parametrize(
    ("tree", "line"),
    [
        ({"title": 3}, "title: must be text; found 3"),
        ({"low": True}, "low: must be an integer; found true"),
        ({"shape": {"name": "line", "length": 0}}, "shape.length: must be greater than 0; found 0"),
        ({"shape": {"name": "circle", "radius": 10}}, "shape.radius: must be at most 9; found 10"),
        (
            {"shape": {"name": "circel"}},
            "shape.name: must name a known figure; found 'circel'; accepted line | circle"
            " (did you mean circle?)",
        ),
        (
            {"shape": {"name": "circle", "r": 3}},
            "shape.r: must be a known key; found 'r'; accepted name | radius"
            " (did you mean radius?)",
        ),
        (
            {"ink": "Navy_Blue"},
            "ink: must be one of the accepted words; found 'Navy_Blue'; accepted black | blue"
            " (did you mean blue?)",
        ),
        ({"marks": [{"text": "a"}, {"text": 3}]}, "marks[1].text: must be text; found 3"),
        ({"marks": {"text": 3}}, "marks.text: must be text; found 3"),
        ({"marks": [{}]}, "marks[0].text: must be given; found nothing"),
        ({"low": 5, "high": 3}, "low: must be at most high, which is 3; found 5"),
    ],
)
def test_a_fault_is_one_line_at_the_users_own_path(tree: dict[str, Any], line: str) -> None:
    assert faults_of(**{"title": "a", **tree}) == [line]


def test_what_is_missing_is_told_and_the_rest_is_judged_all_the_same() -> None:
    assert faults_of(low=9, high=1) == [
        "title: must be given; found nothing",
        "low: must be at most high, which is 1; found 9",
    ]


def test_a_rule_says_nothing_where_what_it_speaks_of_is_at_fault() -> None:
    assert faults_of(title="a", low=12, high="much") == ["high: must be an integer; found 'much'"]


def test_keys_of_a_section_whose_name_is_unknown_are_not_judged() -> None:
    assert len(faults_of(title="a", shape={"name": "circel", "radius": 3})) == 1


def test_what_is_sound_comes_back_beside_the_faults() -> None:
    written = {"title": "a", "low": 3, "ink": "red", "marks": [{"text": "x"}, 3, {"text": "y"}]}
    drawing, faults = parse_document(VOCABULARY, written)
    assert len(faults) == 2
    assert drawing is not None
    assert (drawing.low, drawing.ink) == (3, "black")
    assert [mark.text for mark in drawing.marks] == ["x", "", "y"]
    assert written["marks"] == [{"text": "x"}, 3, {"text": "y"}]
