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
