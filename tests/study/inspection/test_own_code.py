"""Own models and data sets are looked at before a run: in a process of their own, by line."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from study.errors import SpecError
from study.inspection.own_code import check_own_code
from study.spec.load import load_spec

MODULE = """
import torch
from torch import nn
from study.training.data.datasets import DataSet

print("a module may print")

class Net(nn.Sequential):
    def __init__(self, image_shape, classes, hidden=16, depth=1):
        channels, height, width = image_shape
        super().__init__(nn.Flatten(), nn.Linear(channels * height * width, classes))

class Plain(nn.Module):
    def __init__(self, hidden):
        super().__init__()

def broken(image_shape, classes):
    return {}["a key"]

def wide(image_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes + 1))

def images(count, shape=(3, 8, 8)):
    return torch.zeros(count, *shape, dtype=torch.uint8), torch.arange(count) % 4

def good(data, folder):
    return DataSet(*images(40), *images(20), classes=4)

def from_one(data, folder):
    (train, labels), test = images(40), images(20)
    return DataSet(train, labels + 1, *test, classes=4)

def turned(data, folder):
    return DataSet(*images(40, (32, 32, 3)), *images(20, (32, 32, 3)), classes=4)

def bytes_as_floats(data, folder):
    (train, labels), test = images(40), images(20)
    return DataSet(train.float() + 200, labels, *test, classes=4)

def focal(logits, labels, gamma=2.0):
    return logits.sum(1)

def rates(model, lr):
    return torch.optim.SGD(model.parameters(), lr=lr)

def ramp(step, steps, power=1):
    return 1.0

def swap(images, labels):
    return images, labels

def truncated(data, folder):
    raise OSError("Truncated File Read")
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_parts.py").write_text(MODULE)
    return "own_parts"


def study(model: str = "small_cnn", data: str = "digits", **more: str) -> str:
    """Write a study file and return its name; the model stands in line 3, the data in line 4, and
    another section of the recipe in line 5.
    """
    lines = ["study: own", "recipe:", f"  model: {model}", f"  data: {data}", "points: 4"]
    if "section" in more:
        lines.insert(4, f"  {more['section']}")
    space = more.get("space", "{optimizer: {lr: {log: [1e-3, 1]}}}")
    Path("own.yaml").write_text("\n".join([*lines, f"space: {space}"]))
    return "own.yaml"


def faults(file: str, *, check_data: bool = False) -> str:
    with pytest.raises(SpecError) as caught:
        check_own_code(file, load_spec(file), check_data=check_data)
    return str(caught.value)


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        ("'nomodel:Net'", "own.yaml:3: recipe.model: must be importable; found ModuleNotFound"),
        ("'own_parts:Nope'", "own.yaml:3: recipe.model: must be importable; found AttributeError"),
        ("'own_parts:Plain'", "own_parts:Plain must take (image_shape, classes); found"),
        (
            "{name: 'own_parts:Net', options: {hiden: 3}}",
            "own.yaml:3: recipe.model.options.hiden: must be an argument of own_parts:Net; found"
            " 'hiden'; accepted hidden | depth (did you mean hidden?)",
        ),
    ],
)
def test_a_model_that_can_not_be_loaded_or_called_is_told_by_its_line(
    module: str, model: str, fault: str
) -> None:
    assert fault in faults(study(model))


def test_a_syntax_error_is_told_at_its_own_place_and_not_at_the_importers(module: str) -> None:
    Path("importer.py").write_text("\nimport misspelt\n")
    Path("misspelt.py").write_text("\n\n\ndef factory(image_shape, classes:\n")
    told = faults(study("'importer:factory'"))
    place = Path("misspelt.py").resolve()
    assert f"found SyntaxError: '(' was never closed ({place}:4)" in told


def test_a_model_of_one_branch_is_looked_at_and_nothing_is_loaded_here(module: str) -> None:
    space = "{model: {one_of: {mlp: {}, 'own_parts:Nope': {}}}}"
    assert faults(study(space=space)).startswith("own.yaml:6: space.model")
    check_own_code(study("'own_parts:Net'"), load_spec("own.yaml"))
    assert module not in sys.modules


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ("from_one", "train_labels must be from 0 to 3, for 4 classes; found labels from 1 to 4"),
        ("turned", "which looks like (N, H, W, C): .permute(0, 3, 1, 2)"),
        ("bytes_as_floats", "must be uint8 or float in [0, 1]; found floats from 200 to 200"),
        ("truncated", "OSError: Truncated File Read ("),
    ],
)
def test_images_that_are_not_what_trainings_take_are_told_as_that(
    module: str, data: str, fault: str
) -> None:
    told = faults(study(data=f"'own_parts:{data}'"), check_data=True)
    assert told.startswith("own.yaml:4: recipe.data: ")
    assert "found data.name" not in told
    assert fault in told


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        ("broken", "the model can't be built: KeyError: 'a key' ("),
        ("wide", "logits of (64, 11) instead of (64, 10)"),
    ],
)
def test_a_network_that_does_not_train_is_told_with_the_line_of_its_own_code(
    module: str, model: str, fault: str
) -> None:
    data = "{name: digits, batch_size: 64}"
    assert fault in faults(study(f"'own_parts:{model}'", data), check_data=True)


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ("loss: 'own_parts:focus'", "recipe.loss: must be importable; found AttributeError"),
        (
            "loss: {name: 'own_parts:focal', options: {gama: 1}}",
            "recipe.loss.options.gama: must be an argument of own_parts:focal; found 'gama';"
            " accepted gamma (did you mean gamma?)",
        ),
        ("optimizer: 'own_parts:rates'", "recipe.optimizer: own_parts:rates must take (model)"),
        (
            "schedule: {name: 'own_parts:ramp', options: {power: 2, base: 1}}",
            "recipe.schedule.options.base: must be an argument of own_parts:ramp; found 'base'",
        ),
        (
            "data.augment: [flip, 'own_parts:swap']",
            "recipe.data.augment[1]: own_parts:swap must take (images, labels, generator)",
        ),
    ],
)
def test_any_other_part_is_told_by_its_line(module: str, section: str, fault: str) -> None:
    told = faults(study(section=section, space="{accumulation: {choice: [1, 2]}}"))
    assert told.startswith(f"own.yaml:5: {fault}")


def test_a_part_that_does_not_train_is_told_by_its_own_line(module: str) -> None:
    told = faults(study(section="loss: 'own_parts:focal'"), check_data=True)
    must = "own.yaml:5: recipe.loss: must train on a batch; found own_parts:focal: must return a"
    assert told.startswith(must)


def test_what_trains_is_said(module: str) -> None:
    file = study("'own_parts:Net'", "{name: 'own_parts:good', batch_size: 8}")
    said = check_own_code(file, load_spec(file), check_data=True)
    assert said == [
        "data own_parts:good: 40 training and 20 test images, 3 × 8 × 8, 4 classes",
        "model own_parts:Net: 772 parameters, trained on one batch",
    ]


@pytest.mark.parametrize("end", ["import os; os._exit(3)", "raise SystemExit", "1 / 0"])
def test_a_module_that_ends_its_process_is_told(module: str, end: str) -> None:
    Path("ends_all.py").write_text(end)
    assert "own.yaml:3: recipe.model: must be" in faults(study("'ends_all:Net'"))


def test_a_study_without_own_parts_starts_no_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("subprocess.run", None)
    assert check_own_code(study(), load_spec("own.yaml")) == []


@pytest.mark.skipif(find_spec("timm") is not None, reason="timm is installed")
def test_a_model_of_timms_asks_for_timm(module: str) -> None:
    told = faults(study("'timm:resnet18.a1_in1k'"))
    must = "own.yaml:3: recipe.model: must find timm installed for timm:resnet18.a1_in1k"
    assert told == f"{must}; found no package timm; accepted pip install 'ray-study[timm]'"


def test_an_option_that_is_written_with_dots_is_told_by_its_line_too(module: str) -> None:
    space = "{'loss.options.gama': {choice: [1, 2]}}"
    told = faults(study(section="loss: 'own_parts:focal'", space=space))
    assert told.startswith("own.yaml:7: space.loss.options.gama: must be an argument of own_parts:")


def test_files_that_are_no_data_set_are_told_at_the_key_that_names_them(
    module: str, tmp_path: Path
) -> None:
    for name in ("one", "other"):
        folder = tmp_path / "data" / "photos" / name
        folder.mkdir(parents=True)
        (folder / "0.jpg").write_bytes(b"no image")
    told = faults(study(data="{name: folder, path: photos, image_size: 8}"), check_data=True)
    assert told.startswith("own.yaml:4: recipe.data.path: must hold images that can be decoded")
    assert "accepted skip_broken: true" in told
