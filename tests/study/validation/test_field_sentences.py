from __future__ import annotations

from typing import ClassVar

from study.validation.field_sentences import field_sentences
from study.validation.section import Section


class Base(Section):
    """A section."""

    name: str
    """what it is called"""
    size: int = 0


class Derived(Base):
    """A section with more."""

    kinds: ClassVar[int] = 3
    """This is no field."""

    size: int = 1
    """how large it is,
    in meters
    """
    """This is below no field."""


def test_each_field_has_the_sentence_below_it() -> None:
    assert field_sentences(Base) == {"name": "what it is called"}


def test_inherited_fields_keep_their_sentence_and_what_is_no_field_has_none() -> None:
    assert field_sentences(Derived) == {
        "name": "what it is called",
        "size": "how large it is,\nin meters",
    }
