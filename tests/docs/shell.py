"""Commands run as a reader of the pages would run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .pages import ROOT


def run(command: list[str], folder: Path, of: object = "") -> str:
    """Run a command to its good end, and return what it prints; ``of`` is what it was taken from.

    The commands beside this Python come first, and ``study`` is that of this checkout.
    """
    here = Path(sys.executable).parent
    surroundings = os.environ | {
        "PATH": f"{here}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
        "XDG_CONFIG_HOME": str(folder / ".config"),
        "COLUMNS": "120",
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{of}\n{done.stdout}"
    return done.stdout
