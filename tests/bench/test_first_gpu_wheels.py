"""What ``make gpu`` needs travels with it, and is found beside what is there."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from .first_gpu import wheels


def write_wheel(folder: Path, name: str) -> None:
    """A package of one module, which says where torch would come from."""
    folder.mkdir(exist_ok=True)
    about = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "HERE = True\n")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")


def test_what_trainings_need_comes_first_and_nothing_of_torch_travels() -> None:
    first, rest = wheels.groups()
    assert {wheels._name(text) for text in first} == set(wheels._FIRST)
    assert any(text.startswith("ray[") for text in rest)
    assert not {wheels._name(text) for text in (*first, *rest)} & {"torch", "torchvision"}


def test_wheels_are_installed_without_a_network_beside_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("study_test_one", "study_test_two"):
        write_wheel(tmp_path / "wheels", name)
    groups = [["study-test-one"], ["study-test-two", "study-test-lacking>=2"]]
    monkeypatch.setattr(wheels, "groups", lambda: groups)
    assert wheels.install(tmp_path / "wheels", tmp_path / "own") == 0
    assert "made, with something lacking" in capfd.readouterr().out
    program = "import study_test_one, study_test_two, pytest; print(pytest.__file__)"
    found = subprocess.run(
        [tmp_path / "own" / "bin" / "python", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert found.stdout.strip() == pytest.__file__, "what is there is found as well"


def test_it_is_told_where_even_trainings_lack_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "_pip", lambda *words: _names("pydantic", words))
    assert wheels.install(tmp_path, tmp_path / "own") == 1
    monkeypatch.setattr(wheels, "_pip", lambda *words: _names("optuna", words))
    assert wheels.install(tmp_path, tmp_path / "own") == 0


def test_what_is_there_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, ...]] = []

    def download(*words: str) -> int:
        asked.append(words)
        for name in ("Big_Thing", "small.thing", "torch"):
            write_wheel(tmp_path / wheels.WHEELS, name)
        return 0

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wheels, "_pip", download)
    (tmp_path / "list.txt").write_text("big-thing==2.0\ntorch==2.11.0+cu130\n")
    assert wheels.main(["collect", "--there", "list.txt"]) == 0
    assert [file.name for file in wheels.WHEELS.iterdir()] == ["small.thing-1.0-py3-none-any.whl"]
    (words,) = asked
    assert "torch==2.11.0+there" in words
    assert words[words.index("--python-version") + 1] == "3.12"
    assert "1 wheels, 0 MiB" in capsys.readouterr().out


def _names(package: str, words: tuple[str, ...]) -> int:
    """Fail, as pip does, where a package is asked for."""
    return int(any(word.startswith(package) for word in words))
