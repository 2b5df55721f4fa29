"""The study file to start from."""

from __future__ import annotations

from study.files.yaml_reader import read_yaml
from study.spec.load import spec_from_tree, starting_file


def test_the_starting_file_is_valid_as_it_stands() -> None:
    document = read_yaml(starting_file("tuesday"))
    spec = spec_from_tree(document.tree)
    assert spec.study == "tuesday"
    assert spec.first_params(0) is not None


def test_the_starting_file_is_valid_with_everything_in_it_switched_on() -> None:
    lines = starting_file().splitlines()
    on = [
        line[2:] if line.startswith("# ") and line.split()[1].endswith(":") else line
        for line in lines
    ]
    spec = spec_from_tree(read_yaml("\n".join(on)).tree)
    assert spec.mode == "method-study"
    assert spec.confirm is not None
    assert spec.stop.wall_hours == 12
