"""What ``make gpu`` does where there is no GPU, and where a part of it goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from .first_gpu import __main__ as first_gpu
from .first_gpu.parts import PARTS
from .first_gpu.results import Result, Results


def test_without_a_gpu_each_part_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert first_gpu.run_all("cuda", tmp_path / "found.json", 600) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert [each["part"] for each in found] == list(PARTS)
    assert {each["outcome"] for each in found} == {"not measured"}
    assert all(each["found"].startswith("no GPU: ") for each in found)
    table = capsys.readouterr().out
    assert all(name in table for name in PARTS)


def test_no_part_is_begun_for_which_no_time_is_left(tmp_path: Path) -> None:
    assert first_gpu.run_all("cpu", tmp_path / "found.json", 1) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert {each["found"] for each in found} == {"no time was left"}


def test_a_part_runs_in_a_process_of_its_own() -> None:
    result = first_gpu.in_its_own_process("the device", "", "cpu", 600)
    assert (result.outcome, result.part) == ("held", "the device")
    assert torch.__version__ in result.found


def test_a_part_that_dies_or_hangs_is_broken_and_the_others_go_on() -> None:
    died = first_gpu.in_its_own_process("no such part", "", "cpu", 600)
    assert died.outcome == "broken"
    assert "KeyError" in died.found
    hung = first_gpu.in_its_own_process("side by side", "", "cpu", 0.01)
    assert (hung.outcome, hung.found) == ("broken", "not done after 0 s")


def test_what_was_found_is_saved_after_each_part(tmp_path: Path) -> None:
    results = Results(tmp_path / "found.json")
    results.add(Result("first", "held", "well"))
    assert len(json.loads((tmp_path / "found.json").read_text())) == 1
    results.add(Result("second", "broken", "badly", goal="well"))
    assert [each["part"] for each in json.loads((tmp_path / "found.json").read_text())] == [
        "first",
        "second",
    ]
    assert results.is_any_broken
    assert not list(tmp_path.glob("*.partial"))
