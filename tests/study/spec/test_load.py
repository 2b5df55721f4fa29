"""Where study files are found, and how often one is read: once for each command."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from study.errors import SpecError
from study.files.yaml_reader import read_yaml
from study.spec import load
from study.spec.load import (
    load_spec,
    shipped_studies,
    spec_from_tree,
    starting_file,
    study_file_text,
)
from study.spec.resolve import resolve_spec

TINY = textwrap.dedent("""\
    study: tiny
    points: 2
    concurrency: 1
    recipe: {model: mlp, data: {train_images: 64, test_images: 64}, epochs: 1}
    space: {optimizer: {lr: {log: [1e-3, 1]}}}
    """)

COUNTED = textwrap.dedent("""\
    import sys
    from study.spec import load

    resolve_spec = load.resolve_spec

    def counted(*arguments):
        print("a study file is read whole", flush=True)
        return resolve_spec(*arguments)

    load.resolve_spec = counted
    from study.cli import main
    main()
    """)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The files that this process has read whole, from now on."""
    read: list[Any] = []

    def counted(tree: Any, report: Any) -> Any:
        read.append(report.file)
        return resolve_spec(tree, report)

    monkeypatch.setattr(load, "resolve_spec", counted)
    monkeypatch.setattr(load, "_READ_BEFORE", type(load._READ_BEFORE)())
    return read


def test_shipped_studies_are_known_by_name() -> None:
    assert {"quickstart", "recipes"} <= set(shipped_studies())
    assert load_spec("quickstart").study == "quickstart"


def test_a_file_that_lacks_its_ending_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my-first.yaml").write_text("study: my-first")
    with pytest.raises(SpecError, match=r"^my-first:1: .*\(did you mean my-first.yaml\?\)$"):
        load_spec("my-first")


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


def test_the_same_content_is_read_once(readings: list[Any], tmp_path: Path) -> None:
    file, copy = tmp_path / "tiny.yaml", tmp_path / "copy.yaml"
    file.write_text(TINY)
    copy.write_text(TINY)
    assert load_spec(file) is load_spec(file) is load_spec(copy)
    assert readings == [str(file)]


def test_other_content_and_other_options_are_read_anew(readings: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)
    assert load_spec(file).points == 2
    assert load_spec(file, points=3).points == 3
    assert load_spec(file, sets=["points=4"]).points == 4
    file.write_text(TINY.replace("points: 2", "points: 5"))
    assert load_spec(file).points == 5
    assert len(readings) == 4


def test_what_this_process_has_written_itself_needs_no_reading(
    readings: list[Any], tmp_path: Path
) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)
    spec = load_spec(file, sets=["recipe.epochs=2"])
    file.write_text(study_file_text(spec))
    known = load_spec(file)
    assert len(readings) == 1
    load._READ_BEFORE.clear()
    assert load_spec(file) == known == spec.with_recorded_defaults()


def test_only_a_few_contents_are_remembered(readings: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "tiny.yaml"
    for points in range(1, 30):
        file.write_text(TINY.replace("points: 2", f"points: {points}"))
        load_spec(file)
    assert len(load._READ_BEFORE) < 10


def test_a_points_recipe_is_put_together_once_whatever_the_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = spec_from_tree(read_yaml(TINY).tree)
    made: list[Any] = []
    put_together = type(spec)._put_together

    def counted(self: Any, values: Any, substitutions: Any) -> Any:
        made.append(values)
        return put_together(self, values, substitutions)

    monkeypatch.setattr(type(spec), "_put_together", counted)
    values = {"optimizer.lr": 0.01}
    assert [spec.recipe(values, seed).seed for seed in range(3)] == [0, 1, 2]
    assert spec.params_of(values) == values
    assert spec.level_of(values) == 0
    assert len(made) == 1
    assert spec.recipe(values, 0, {"accumulation": 2}).accumulation == 2
    assert len(made) == 2


def test_run_resume_and_table_read_the_study_file_once_each(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    for command in (["run", "tiny.yaml"], ["resume", "tiny"], ["table", "tiny"]):
        answer = subprocess.run(
            [sys.executable, "-c", COUNTED, *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout.count("a study file is read whole") == 1, command
