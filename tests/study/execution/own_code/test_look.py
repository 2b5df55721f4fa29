"""An own training is looked at before anything is launched, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from study.execution.own_code.look import look_at_code
from study.spec.load import spec_from_tree

CODE = """
import os, sys
from dataclasses import dataclass
from pydantic import BaseModel, Field
print("printed"); sys.stderr.write("printed")

@dataclass
class Config:
    lr: float
    epochs: int = 4
    dropout: float = 0.0

class Bounded(BaseModel):
    lr: float = Field(gt=0, lt=0.5)
    epochs: int = 4

def plain(config, session): ...
def typed(config: Config, session): ...
def bounded(config: Bounded, session): ...
def alone(config): ...
def cost(config): ...
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "looked_at.py").write_text(CODE)
    (tmp_path / "breaks.py").write_text("\n\nimport no_such_library\n")
    (tmp_path / "imports.py").write_text("\nimport misspelt\n")
    (tmp_path / "misspelt.py").write_text("\n\n\ndef train(config, session:\n")
    (tmp_path / "leaves.py").write_text("import os; os._exit(7)\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def faults(train: str = "looked_at:plain", elsewhere: bool = False, **changes: Any) -> list[str]:
    tree = {
        "study": "s",
        "train": train,
        "objective": {"metric": "m", "direction": "minimize"},
        "points": 1,
        "recipe": {"epochs": 3},
        "space": {"lr": {"log": [1e-3, 1]}},
    }
    look = look_at_code(spec_from_tree(tree | changes), elsewhere=elsewhere)
    return [str(fault) for fault in look.faults]


def test_a_function_that_can_be_called_has_no_fault() -> None:
    assert faults() == []
    assert faults("looked_at:typed", epoch_cost="looked_at:cost") == []


@pytest.mark.parametrize(
    ("train", "fault"),
    [
        ("looked_at:plane", "train: must name a function.*did you mean looked_at:plain"),
        ("loked_at:plain", "train: must name a function.*did you mean looked_at"),
        ("looked_at:alone", r"train: looked_at:alone must be.*found alone\(config\)"),
        ("breaks:train", r"train: must be importable; found ModuleNotFoundError.*breaks.py:3"),
        (
            "imports:train",
            r"train: must be importable; found SyntaxError: '\(' was never closed \(misspelt.py:4\)",
        ),
        ("leaves:train", r"train: must be importable; found its import has ended the process"),
    ],
)
def test_what_is_wrong_with_a_function_is_one_line(train: str, fault: str) -> None:
    import re

    (line,) = faults(train)
    assert re.match(fault, line), line


def test_a_typed_config_is_checked_key_by_key() -> None:
    assert faults("looked_at:bounded") == ["space.lr.log[1]: must be less than 0.5; found 1.0"]
    found = faults("looked_at:typed", recipe={"epochs": 2.5, "widht": 3})
    assert [line.partition(";")[0] for line in found] == [
        "recipe.widht: must be a known key",
        "recipe.epochs: must be an integer",
    ]


def test_keys_of_an_untyped_config_stand_in_recipe_or_space() -> None:
    first = [{"set": {"lr": 0.1, "dropout": 0.5}}]
    assert faults("looked_at:typed", first=first) == []
    (line,) = faults("looked_at:plain", first=first)
    assert line.startswith("first[0].set.dropout: must stand in recipe or space")
    (line,) = faults("looked_at:plain", first=[{"set": {"epochs": 1}}])
    assert line.startswith("first[0].set: must set lr, which space varies")


def test_a_cost_must_be_a_function_of_a_config() -> None:
    (line,) = faults(epoch_cost="looked_at:plain")
    assert line.startswith("epoch_cost: must name a function that takes a config")


def test_what_other_machines_have_is_looked_at_there() -> None:
    assert faults("not_here.at_all:train", elsewhere=True) == []


def test_nothing_of_it_is_loaded_by_who_looks(folder: Path) -> None:
    code = (
        "import sys\n"
        "from study.execution.own_code.look import look_at_code\n"
        "from study.spec.load import spec_from_tree\n"
        "tree = {'study': 's', 'train': 'looked_at:plain', 'points': 1,\n"
        "  'objective': {'metric': 'm', 'direction': 'minimize'}, 'space': {'lr': {'log': [0.1, 1]}}}\n"
        "assert not look_at_code(spec_from_tree(tree)).faults\n"
        "print('looked_at' in sys.modules, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
