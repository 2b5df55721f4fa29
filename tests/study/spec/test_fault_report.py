"""Faults become lines: of the file by its lines, of the options by their texts."""

from __future__ import annotations

import pytest

from search_spaces.validation import Fault
from study.errors import SpecError
from study.files.yaml_reader import read_yaml
from study.spec.fault_report import FaultReport, one_line
from study.spec.overrides import Overrides


def report(text: str, *sets: str) -> FaultReport:
    document = read_yaml(text)
    overrides = Overrides(document.tree)
    for option in sets:
        overrides.add(option)
    return FaultReport("f.yaml", document, overrides)


def test_faults_stand_in_the_order_of_the_file_and_options_come_last() -> None:
    found = report("a: 1\nb:\n  c: 2\n", "d=3")
    found.add([Fault(("d",), "must be so", "3"), Fault(("b", "c"), "must be so", "2")])
    assert not found.add([Fault(("a",), "must be so", "1")])
    assert found.lines() == [
        "f.yaml:1: a: must be so; found 1",
        "f.yaml:3: b.c: must be so; found 2",
        "--set d=3: d: must be so; found 3",
    ]


def test_a_path_has_one_fault_and_none_where_its_text_is_at_fault() -> None:
    found = report("a: .nan\nb: 1\n")
    found.add([Fault(("a", "x"), "must be so", "1"), Fault(("b",), "must be so", "1")])
    found.add([Fault(("b",), "must be otherwise", "1")])
    assert [line.split(":")[1:3] for line in found.lines()] == [["1", " a"], ["2", " b"]]


def test_an_overridden_recipe_value_goes_by_the_path_of_its_option() -> None:
    found = report("a: 1\n", "recipe.epochs=0")
    found.add([Fault(("overrides", "epochs"), "must be at least 1", "0")])
    assert found.lines() == ["--set recipe.epochs=0: recipe.epochs: must be at least 1; found 0"]


def test_all_are_raised_together_and_nothing_where_there_are_none() -> None:
    found = report("a: 1\n")
    found.raise_faults()
    found.add([Fault(("a",), "must be so", "1"), Fault(("b",), "must be given", "nothing")])
    with pytest.raises(SpecError) as caught:
        found.raise_faults()
    assert len(caught.value.lines) == 2


def test_a_line_has_no_line_breaks() -> None:
    assert one_line("a\nb\x1b[0m") == "a�b�[0m"
