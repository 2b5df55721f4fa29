"""Other tools' words lead to keys and values that there are."""

from __future__ import annotations

from study.spec.pruners import AnyPruner
from study.spec.samplers import AnySampler
from study.spec.study_file import StudyFile
from study.spec.synonyms import KEY_SYNONYMS, TOP_KEY_SYNONYMS, VALUE_SYNONYMS
from study.training.recipe.metric_catalog import OBJECTIVE_METRICS
from study.validation.section import form_names, forms_in, keys_at

FORMS = forms_in(StudyFile)


def test_top_level_words_lead_to_keys_of_the_file_or_of_its_sections() -> None:
    for ours in TOP_KEY_SYNONYMS.values():
        key, _, inner = ours.partition(":")[0].partition(".")
        assert key in StudyFile.model_fields
        assert not inner or inner in keys_at(StudyFile, (key,), None, FORMS)


def test_no_word_of_another_tool_is_a_key_of_ours() -> None:
    assert not set(TOP_KEY_SYNONYMS) & set(StudyFile.model_fields)


def test_words_in_a_section_lead_to_one_of_its_keys() -> None:
    for path, synonyms in KEY_SYNONYMS.items():
        known = {
            key
            for form in FORMS.get(path, {"": None})
            for key in keys_at(StudyFile, path, form, FORMS)
        }
        assert set(synonyms.values()) <= known
        assert not set(synonyms) & (known - {"name"})


def test_values_lead_to_values() -> None:
    assert set(VALUE_SYNONYMS["objective", "metric"].values()) <= set(OBJECTIVE_METRICS)
    assert set(VALUE_SYNONYMS["sampler", "name"].values()) <= set(form_names(AnySampler))
    assert set(VALUE_SYNONYMS["pruner", "name"].values()) <= set(form_names(AnyPruner))
