"""A script on its way into the queue."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.cluster.slurm.queue import submit_script
from study.errors import UserError


def put_sbatch(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have ``sbatch`` do what the lines of shell say."""
    sbatch = folder / "sbatch"
    sbatch.write_text(f"#!/bin/bash\n{text}\n")
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_the_script_goes_in_as_it_is_and_comes_back_as_a_jobs_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_sbatch(
        tmp_path,
        f'cat > {tmp_path}/script; echo "$*" > {tmp_path}/asked; echo "81;cl"',
        monkeypatch,
    )
    assert submit_script("#!/bin/bash\nexit\n", tmp_path / "here") == "81"
    assert (tmp_path / "script").read_text() == "#!/bin/bash\nexit\n"
    assert (tmp_path / "asked").read_text() == f"--parsable --chdir={tmp_path}/here\n"


def test_what_sbatch_says_against_a_job_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_sbatch(tmp_path, "echo 'invalid partition specified: gpu' >&2; exit 1", monkeypatch)
    with pytest.raises(UserError, match=r"takes no such job: invalid partition specified: gpu$"):
        submit_script("", tmp_path)


def test_a_machine_without_slurm_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="there is no sbatch here; submit from a node"):
        submit_script("", tmp_path)
