"""``notify:``: who is told what; never an address, and never one in an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.errors import SpecError
from study.spec.load import load_spec, spec_from_tree

FILE = """\
study: s
space: {optimizer: {lr: {log: [1e-3, 1]}}}
points: 2
notify:
  - {to: json, at: {env: HOOK}}
"""
SECRET = "https://hooks.example/T0P-S3CRET"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (
            f"{{to: slack, at: '{SECRET}'}}",
            "at: must say where the driver finds the address, never",
        ),
        (f"{{to: slack, at: {{env: '{SECRET}'}}}}", "at.env: must be the name of an environment"),
        (f"{{to: slack, at: {{file: '{SECRET}'}}}}", "at.file: must be the path of a file"),
        ("{to: slack, at: {}}", "at: must say where the driver finds the address"),
        ("{to: slack, at: {env: A, file: b}}", "at: must say where the driver finds the address"),
        ("{to: teams, at: {env: A}}", "to: must be one of"),
        ("{to: slack, at: {env: A}, on: [start]}", "on[0]: must be one of"),
        ("{to: slack, at: {env: A}, every_min: -1}", "every_min: must be at least 0"),
        ("{at: {env: A}}", "to: must be"),
    ],
)
def test_a_fault_is_told_with_its_line_and_without_an_address(
    tmp_path: Path, line: str, fault: str
) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(f"{FILE}  - {line}\n")
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    (found,) = caught.value.lines
    assert found.startswith(f"{path}:6: notify[1].{fault}")
    assert "S3CRET" not in found


def test_what_is_left_out_is_all_but_new_best_points(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(FILE)
    spec = load_spec(path)
    (notice,) = spec.notify
    assert notice.on == ("end", "fault", "interruption")
    assert notice.receiver == "json, env HOOK"
    assert spec_from_tree(spec.tree()) == spec
