"""The faults can be planted: each changes one place that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from .planted import MUTANTS, Mutant

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault)
def test_a_fault_has_its_place_in_the_code(mutant: Mutant) -> None:
    content = (ROOT / mutant.file).read_text()
    assert content.count(mutant.before) == 1
    compile(content.replace(mutant.before, mutant.after), mutant.file, "exec")


@pytest.mark.parametrize(
    "found_by", [mutant.found_by for mutant in MUTANTS if mutant.found_by], ids=str
)
def test_what_finds_a_fault_that_no_world_can_is_there(found_by: str) -> None:
    file, _, name = found_by.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text()
