"""What a dataclass or a pydantic model takes as a config."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from study.training.own.typed_config import field_paths, made_config


class Norm(Enum):
    BATCH = "batch"


@dataclass
class Optimizer:
    name: str = "sgd"
    momentum: float = 0.0


@dataclass
class Config:
    lr: float
    epochs: int = 4
    sizes: tuple[int, ...] = ()
    norm: Norm = Norm.BATCH
    optimizer: Optimizer = field(default_factory=Optimizer)
    extra: Optimizer | None = None


class Model(BaseModel):
    lr: float = Field(gt=0, lt=1)
    optimizer: Optimizer = Optimizer()


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    lr: float = 0.1


def faults(config_type: type, **tree: Any) -> list[str]:
    return [str(fault) for fault in made_config(config_type, tree)[1]]


def test_plain_data_become_what_the_type_says() -> None:
    tree = {"lr": 1, "sizes": [1, 2], "norm": "batch", "optimizer": {"momentum": 0.5}}
    made, found = made_config(Config, tree)
    assert found == []
    assert made == Config(1.0, 4, (1, 2), Norm.BATCH, Optimizer("sgd", 0.5))


@pytest.mark.parametrize(
    ("tree", "fault"),
    [
        ({"epochs": 3}, "lr: must be given; found nothing"),
        ({"lr": True}, "lr: must be a number; found true"),
        ({"lr": 0.1, "epochs": "20"}, "epochs: must be an integer; found '20'"),
        ({"lr": 0.1, "epochs": 2.5}, "epochs: must be an integer; found 2.5"),
        ({"lr": 0.1, "epoch": 2}, "epoch: must be a known key; found 'epoch'; accepted lr |"),
        (
            {"lr": 0.1, "optimizer": {"momentun": 1}},
            "optimizer.momentun: must be a known key; found 'momentun'",
        ),
        ({"lr": 0.1, "extra": {"momentum": "x"}}, "extra.momentum: must be a number; found 'x'"),
        ({"lr": 0.1, "sizes": [1, "a"]}, "sizes[1]: must be an integer; found 'a'"),
    ],
)
def test_what_a_dataclass_does_not_take_is_told_at_its_path(
    tree: dict[str, Any], fault: str
) -> None:
    (line,) = faults(Config, **tree)
    assert line.startswith(fault)


def test_a_models_bounds_hold_and_a_key_that_it_would_pass_over_is_told() -> None:
    assert faults(Model, lr=0.5) == []
    assert faults(Model, lr=3) == ["lr: must be less than 1; found 3"]
    assert "did you mean lr?" in faults(Model, lr=0.5, lrr=1)[0]
    assert faults(Open, anything=1) == []


def test_the_fields_are_known_by_their_paths() -> None:
    assert field_paths(Model) == {"lr", "optimizer", "optimizer.name", "optimizer.momentum"}
    assert {"extra.momentum", "sizes"} <= field_paths(Config)
