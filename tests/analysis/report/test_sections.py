from __future__ import annotations

from typing import Any

from analysis.report.sections import sections_of
from analysis.results import load


def test_a_chapter_has_its_sections_in_order_with_the_tables_that_have_rows(mixed: Any) -> None:
    sections = {section.name: section for section in sections_of(load(mixed.paths))}
    assert list(sections) == ["tables", "plots", "cost", "provenance"]
    assert [name for name, _ in sections["cost"].tables] == ["failures", "cost"]
    assert next(iter(sections["tables"].tables))[0] == "leaderboard"
    assert all(table.rows for section in sections.values() for _, table in section.tables)
    assert sections["provenance"].study_file == mixed.paths.spec.read_text()


def test_a_study_that_has_only_begun_has_no_plots(make: Any) -> None:
    sections = sections_of(load(make().paths))
    assert [section.name for section in sections] == ["tables", "cost", "provenance"]
    assert sections[0].none == "No trial has finished an epoch yet."
