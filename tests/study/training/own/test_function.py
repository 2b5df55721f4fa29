"""A training function is found by its name, and refused in a sentence where it can't train."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from study.errors import UserError
from study.training.own.function import load_function, make_config

MODULE = """
from __future__ import annotations
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from study import Session


@dataclass
class Optimizer:
    name: str = "sgd"
    momentum: float = 0.9


@dataclass
class Config:
    width: int
    lr: float = 0.1
    optimizer: Optimizer = field(default_factory=Optimizer)


class Checked(BaseModel, extra="forbid"):
    lr: float = Field(gt=0)


def train(config, session): ...
def typed(config: dict[str, Any], session: Session) -> None: ...
def mapped(config: Mapping[str, Any], session: Session) -> None: ...
def structured(config: Config, session: Session) -> None: ...
def checked(config: Checked, session: Session) -> None: ...
def listed(config: list[int], session: Session) -> None: ...
def alone(config): ...
def generating(config, session): yield 1
async def waiting(config, session): ...
number = 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


@pytest.mark.parametrize("name", ["train", "typed", "mapped"])
def test_a_function_of_a_dict_is_found(module: str, name: str) -> None:
    found = load_function(f"{module}:{name}")
    assert found.call.__name__ == name
    assert found.config_type is None
    tree = {"lr": 0.1, "optimizer": {"name": "sgd"}}
    made = make_config(found.config_type, tree)
    assert made == tree
    assert made["optimizer"] is not tree["optimizer"], "a function may change its config"


def test_a_dataclass_is_made_with_what_is_nested_in_it(module: str) -> None:
    found = load_function(f"{module}:structured")
    config = make_config(found.config_type, {"width": 8, "optimizer": {"momentum": 0.5}})
    assert dataclasses.asdict(config) == {
        "width": 8,
        "lr": 0.1,
        "optimizer": {"name": "sgd", "momentum": 0.5},
    }


def test_what_a_dataclass_does_not_take_is_named(module: str) -> None:
    config_type = load_function(f"{module}:structured").config_type
    with pytest.raises(UserError) as caught:
        make_config(config_type, {"width": "wide", "optimizer": {"momentun": 0.5}})
    first, second = str(caught.value).splitlines()
    assert first == (
        "optimizer.momentun: must be a known key; found 'momentun'; accepted name | momentum"
        " (did you mean momentum?)"
    )
    assert second == "width: must be an integer; found 'wide'"


def test_a_pydantic_model_checks_its_bounds(module: str) -> None:
    config_type = load_function(f"{module}:checked").config_type
    assert make_config(config_type, {"lr": 0.5}).lr == 0.5
    with pytest.raises(UserError, match="lr: must be greater than 0; found -1"):
        make_config(config_type, {"lr": -1})


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("nothing", "is named as package.module:function"),
        ("no_such_package:train", "there is no module no_such_package"),
        ("study.traning:train", r"no module study.traning \(did you mean study.training\?\)"),
        ("{}:trian", r"has no function trian \(did you mean {}:train\?\)"),
        ("{}:number", "must be a function; found int"),
        ("{}:Config", "must be a function; found type"),
        ("{}:alone", r"must be FUNCTION\(config, session\); found alone\(config\)"),
        ("{}:generating", "must be a plain function; found a generator"),
        ("{}:waiting", "must be a plain function; found a coroutine"),
        ("{}:listed", "must be annotated with dict, a dataclass or a pydantic model"),
    ],
)
def test_what_can_not_train_is_refused(module: str, reference: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence.replace("{}", module)):
        load_function(reference.replace("{}", module))


def test_a_module_that_imports_what_is_not_there_is_no_missing_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needs_more.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        load_function("needs_more:train")


def test_looking_at_a_function_needs_no_torch(module: str, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from study.training.own.function import load_function\n"
        f"load_function('{module}:train'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
