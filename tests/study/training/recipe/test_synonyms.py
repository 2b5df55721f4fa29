"""Other tools' words lead to fields that recipes have."""

from __future__ import annotations

from study.training.recipe.recipe_paths import FIELDS, SECTIONS
from study.training.recipe.synonyms import COMMON_SYNONYMS, TOP_SYNONYMS


def test_words_at_the_top_lead_to_paths() -> None:
    assert set(TOP_SYNONYMS.values()) <= FIELDS | SECTIONS | {"patience", "seed"}


def test_words_in_a_section_lead_to_keys() -> None:
    keys = {part for path in FIELDS for part in path.split(".")}
    for ours in COMMON_SYNONYMS.values():
        assert all(word in keys or word in FIELDS for word in ours.split(" and "))


def test_no_word_at_the_top_is_a_key_there() -> None:
    assert not set(TOP_SYNONYMS) & {path.partition(".")[0] for path in FIELDS}
