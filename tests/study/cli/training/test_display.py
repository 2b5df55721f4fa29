"""One training without a study: lines of epochs, and no silence within long ones."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from study.cli.training.display import TrainingDisplay

from ...command import SLOW, run, wait_for


def console(*, is_terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=is_terminal, width=80, color_system=None)


def shown(on: Console) -> str:
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


def test_a_long_epoch_is_not_silent_where_the_output_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("study.cli.training.display._SILENCE_S", 0.01)
    output = console(is_terminal=False)
    with TrainingDisplay(output, 12) as display:
        display.progress.enter("reading data")
        wait_for(lambda: "reading data …" in shown(output), "the stage")
        display.progress.begin_epoch(3, 120)
        display.progress.add_step(32)
        wait_for(lambda: "epoch 3 of 12, step 1/120, " in shown(output), "the step")
    display.show({"epoch": 3, "val_accuracy": 0.9876, "lr": 0.1})
    assert shown(output).endswith("epoch 3  val_accuracy 0.9876  lr 0.1\n")


def test_a_terminal_shows_what_the_training_is_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.cli.training.display._LONG_S", 0.0)
    output = console(is_terminal=True)
    with TrainingDisplay(output, 12) as display:
        display.progress.begin_epoch(3, 120)
        display.progress.add_step(32)
        wait_for(lambda: "epoch 3 of 12, step 1/120, " in shown(output), "the step")
        display.show({"epoch": 3, "val_accuracy": 0.9876})
    assert "epoch 3  val_accuracy 0.9876" in shown(output)


def test_own_modules_are_found_in_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    recipe = "model: {name: 'slow:factory', options: {pause_s: 0}}\nepochs: 1\n"
    (tmp_path / "own.yaml").write_text(recipe + "data: {name: digits, train_images: 200}\n")
    assert "epoch 1" in run(tmp_path, "train", "own.yaml").stdout


def test_a_fault_of_ones_own_code_is_shown_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "faulty.py").write_text("def net(image_shape, classes):\n    return {}['key']\n")
    (tmp_path / "own.yaml").write_text("model: 'faulty:net'\n")
    said = run(tmp_path, "train", "own.yaml", code=1).stderr.splitlines()
    assert said[0] == "invalid: the model can't be built: KeyError: 'key'"
    assert said[2:5] == ["KeyError: 'key'", "", "in your own code:"]
    assert said[5].endswith('faulty.py", line 2, in net')
