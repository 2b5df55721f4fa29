"""A vocabulary finds the forms of a document's sections, and the tags that tell them apart."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from study.validation.section import Section
from study.validation.vocabulary import Vocabulary


class Fast(Section):
    name: Literal["fast"] = "fast"
    speed: float = 1.0


class Slow(Section):
    name: Literal["slow"] = "slow"


class Alone(Section):
    name: Literal["alone"] = "alone"


class Trip(Section):
    pace: Annotated[Fast | Slow, Field(discriminator="name")] = Fast()
    company: Alone = Alone()


def test_forms_are_found_by_path_and_a_single_form_needs_no_tag() -> None:
    vocabulary = Vocabulary(Trip, key_synonyms={}, other_tags={("goal",): ("list", "one")})
    assert set(vocabulary.forms[("pace",)]) == {"fast", "slow"}
    assert ("company",) not in vocabulary.tags
    assert set(vocabulary.tags[("pace",)]) == {"fast", "slow"}
    assert vocabulary.tags[("goal",)] == ("list", "one")
