"""The script that Slurm runs: one turn of a study, which queues itself again until that is
complete.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

from study.cluster.job_request import JobRequest
from study.cluster.slurm.allocation import Allocation
from study.errors import UserError

_FOLDER = Path(__file__).parent
_END_OF_FILE = "END-OF-STUDY-FILE"


def job_script(
    request: JobRequest, allocation: Allocation, *, setup: str = "", python: str = sys.executable
) -> str:
    """Return the script, whole in itself: the study file is a part of it.

    ``setup`` are lines of shell that each turn begins with, ``python`` what runs the study on every
    node. UserError where the study file can't be a part of a script.
    """
    import jinja2

    text = request.study_file.rstrip("\n")
    if _END_OF_FILE in text:
        raise UserError(f"the study file must not hold {_END_OF_FILE}: the script ends it so")
    options = replace(request, study_file="").words(_FOLDER)[2:]  # without the command's name
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template("turn.sh.j2").render(
        name=request.name,
        header=list(allocation.header(request.name)),
        nodes=allocation.nodes,
        setup=setup.rstrip("\n"),
        python=shlex.quote(python),
        study_file=text,
        end_of_file=_END_OF_FILE,
        options=shlex.join(options),
    )
