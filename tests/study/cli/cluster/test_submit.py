"""What a submission refuses before any cluster is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from study.cli.cluster.jobs import connect
from study.cli.main import app
from study.errors import UserError

from ..mistakes import check_mistake

HEAD = "http://127.0.0.1:9"
runner = CliRunner()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("submit quickstart --storage /shared --name big", "say where the cluster is: --address"),
        (f"submit quickstart --storage big --address {HEAD}", "must be an absolute path or a URI"),
        (f"submit quickstart --storage /shared --address {HEAD}", "no Ray cluster answers at"),
        (f"submit nothing.yaml --storage /shared --address {HEAD}", "no such file"),
        (f"submit quickstart --storage /shared --address {HEAD} --share -1", "share: must be at"),
        (f"submit quickstart --storage /shared --address {HEAD} --format csv", "table | json"),
        (
            f"submit quickstart --storage /shared --address {HEAD} --time 30",
            "--time: is for studies with --slurm",
        ),
        (
            f"submit quickstart --storage /shared --slurm --address {HEAD}",
            "--address: is for studies without --slurm",
        ),
        ("submit quickstart --storage /shared --slurm --wait", "--wait: is for studies without"),
        ("submit quickstart --storage /shared --slurm --time soon", "--time: must be minutes"),
        ("submit quickstart --storage /shared --slurm --setup no.sh", "--setup: no.sh can't be"),
        ("submit quickstart --storage big --slurm", "must be an absolute path or a URI"),
    ],
)
def test_a_mistake_is_told_plainly(
    home: Path, words: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    check_mistake(home, words, expected)


@pytest.mark.parametrize("address", ["127.0.0.1:8265", "ray://head:10001", "http://"])
def test_an_address_that_is_no_dashboards_is_refused(address: str) -> None:
    with pytest.raises(UserError, match="--address: must be a cluster's dashboard, as http://"):
        connect(address)


def test_a_dry_submission_prints_the_script_that_sbatch_would_be_given(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", HEAD)  # of another cluster
    monkeypatch.chdir(home)
    Path("setup.sh").write_text("module load cuda\n")
    words = "submit quickstart --storage /shared --slurm --partition gpu --setup setup.sh"
    printed = runner.invoke(app, [*words.split(), "--dry"])
    assert printed.exit_code == 0, printed.output
    told = json.loads(runner.invoke(app, [*words.split(), "--dry", "--format", "json"]).output)
    assert told["script"] == printed.output
    assert (told["study"], told["storage"]) == ("quickstart", "/shared")
    lines = printed.output.splitlines()
    assert lines[0] == "#!/bin/bash"
    assert {"#SBATCH --partition=gpu", "module load cuda"} < set(lines)

    sbatch = tmp_path / "sbatch"
    sbatch.write_text(f"#!/bin/bash\ncat > {tmp_path}/script\necho 81\n")
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    said = runner.invoke(app, words.split())
    assert said.exit_code == 0, said.output
    assert (tmp_path / "script").read_text() == printed.output
    assert said.output.startswith("study quickstart is queued as job 81 of Slurm\n")
    told = json.loads(runner.invoke(app, [*words.split(), "--format", "json"]).output)
    assert (told["job"], told["output"]) == ("81", str(Path.cwd() / "quickstart-81.out"))
