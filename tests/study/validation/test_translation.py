"""One error of pydantic becomes one fault, in our words and at the path that the user wrote."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from study.validation.section import Section
from study.validation.translation import Translation, has_part, keys_of, value_at
from study.validation.vocabulary import Vocabulary


class Fast(Section):
    name: Literal["fast"] = "fast"
    speed: Annotated[float, Field(gt=0.5)] = 1.0


class Slow(Section):
    name: Literal["slow"] = "slow"
    patience: int = 1


class Trip(Section):
    pace: Annotated[Fast | Slow, Field(discriminator="name")] = Fast()
    days: int = 1


VOCABULARY = Vocabulary(
    Trip,
    key_synonyms={("pace",): {"velocity": "speed"}},
    value_synonyms={("pace", "name"): {"quick": "fast"}},
    kinds={("pace",): "gait"},
)


@pytest.mark.parametrize(
    ("tree", "line"),
    [
        ({"days": "x"}, "days: must be an integer; found 'x'"),
        (
            {"pace": {"name": "fast", "speed": 0.5}},
            "pace.speed: must be greater than 0.5; found 0.5",
        ),
        (
            {"pace": {"name": "fast", "velocity": 2}},
            "pace.velocity: must be a known key; found 'velocity'; accepted name | speed (did you mean"
            " speed?)",
        ),
        (
            {"pace": {"name": "quick"}},
            "pace.name: must name a known gait; found 'quick'; accepted fast | slow (did you mean"
            " fast?)",
        ),
        (
            {"pace": {"name": 3}},
            "pace: must be a name or a mapping with a name; found 3; accepted fast | slow",
        ),
    ],
)
def test_an_error_is_told_where_it_was_written(tree: dict[str, Any], line: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Trip.model_validate(tree)
    (details,) = caught.value.errors(include_url=False)
    assert str(Translation(details, tree, tree, VOCABULARY).fault) == line


def test_a_path_is_followed_as_far_as_it_goes() -> None:
    tree = {"first": [{"lr": 0.1}]}
    assert value_at(("first", 0, "lr"), tree) == 0.1
    assert value_at(("first", 1, "lr"), tree) is None
    assert value_at(("first", 0, "lr", "log"), tree) is None
    assert keys_of(("first", 0, "lr")) == ("first", "lr")
    assert not has_part("text", 0)
