"""Puts a script into Slurm's queue."""

from __future__ import annotations

import subprocess
from pathlib import Path

from study.errors import OutsideFault, UserError

_PATIENCE_S = 60.0


def submit_script(script: str, folder: Path) -> str:
    """Have sbatch queue a script that starts in ``folder``, and return its job's number.

    Raises UserError where there is no Slurm here or it takes no such job, and OutsideFault where it
    doesn't answer.
    """
    try:
        done = subprocess.run(
            ["sbatch", "--parsable", f"--chdir={folder}"],
            input=script,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except FileNotFoundError:
        raise UserError(
            "--slurm: there is no sbatch here; submit from a node that has Slurm's commands, or"
            " write the script with --dry"
        ) from None
    except subprocess.TimeoutExpired:
        raise OutsideFault(f"sbatch has not answered for {_PATIENCE_S:.0f} s") from None
    if done.returncode:
        raise UserError(f"sbatch takes no such job: {done.stderr.strip()}")
    return done.stdout.strip().partition(";")[0]
