"""What ``study submit --slurm`` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from study.cli.answers import print_json
from study.cli.options import echo

if TYPE_CHECKING:
    from study.cluster.job_request import JobRequest
    from study.cluster.slurm.allocation import Allocation


def queue(
    request: JobRequest, allocation: Allocation, *, setup: Path | None, dry: bool, form: str
) -> None:
    """Put a study into Slurm's queue and say how to look at it, or only print the job's script."""
    from study.cluster.slurm.queue import submit_script
    from study.cluster.slurm.script import job_script
    from study.files.layout import StudyPaths
    from study.files.storage_uri import storage_path

    script = job_script(request, allocation, setup=_read_setup(setup))
    facts = {"study": request.name, "storage": request.storage}
    if dry:
        print_json({**facts, "script": script}) if form == "json" else echo(script.rstrip("\n"))
        return
    folder = Path.cwd()
    job = submit_script(script, folder)
    output = folder / f"{request.name}-{job}.out"
    if form == "json":
        print_json({**facts, "job": job, "output": str(output)})
        return
    study = StudyPaths(storage_path(request.storage), request.name)
    echo(
        f"study {request.name} is queued as job {job} of Slurm\n"
        f"look:    {study.command('status')}\n"
        f"         {study.command('watch')}\n"
        f"output:  {output}\n"
        f"stop:    {study.command('stop')}    (before it has begun: scancel {job})"
    )


def _read_setup(path: Path | None) -> str:
    """Read the lines that each turn begins with."""
    from study.errors import UserError

    try:
        return "" if path is None else path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--setup: {path} can't be read: {error}") from None
