"""The way from one's own pictures and network to an ONNX file, command by command as its page says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .pages import ROOT, blocks_of

PAGE = ROOT / "docs" / "pictures-to-onnx.md"
MOST_COMMANDS = 9


def test_own_pictures_and_network_become_an_onnx_file_in_under_ten_commands(tmp_path: Path) -> None:
    here = Path(sys.executable).parent
    surroundings = {**os.environ, "PATH": f"{here}:{os.environ['PATH']}"}
    commands, said = 0, ""
    for block in blocks_of(PAGE):
        if block.title:
            (tmp_path / block.title).write_text(block.text)
        elif block.language == "sh":
            for command in block.text.splitlines():
                commands += 1
                done = subprocess.run(
                    command.split(), cwd=tmp_path, env=surroundings, capture_output=True, text=True
                )
                said = done.stdout
                assert done.returncode == 0, f"{command}\n{said}\n{done.stderr}"
    assert 0 < commands <= MOST_COMMANDS
    likeliest, *others = [line.split() for line in said.splitlines()]
    assert likeliest[1] == "circle"
    assert float(likeliest[0]) > 0.5
    assert sorted(name for _, name in others) == ["cross", "square"]
    by_torch = subprocess.run(
        [sys.executable, "winner/load.py", "data/pictures/circle/0.png"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert by_torch.stdout.split()[1] == "circle", by_torch.stderr
