"""A client that knows the API from its OpenAPI file alone finds all as it is described there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..analysis.conftest import Maker, sgd
from ..study.page.served import TOKENS, serving, settings_of

schemathesis = pytest.importorskip("schemathesis", reason="needs the extra: make integrations")
pytestmark = pytest.mark.integrations

KNOWN = """\
[parameters]
"path.label" = "lab"
"path.name" = "one"
"path.trial" = "0"
"path.action" = "drop"
"path.file" = "page.css"
"""
"""Values with which requests come to something."""
STREAMS = ("/events", "/s/{label}/{name}/events")
"""What is told without an end."""
LEFT_OUT = "positive_data_acceptance"
"""Texts of SQL and of study files have rules that no schema says."""


@pytest.mark.parametrize("known", [KNOWN, ""], ids=["of a study", "of whatever"])
def test_whatever_is_asked_is_answered_as_described(known: str, tmp_path: Path) -> None:
    study = Maker(tmp_path / "lab", name="one")
    study.complete_point(sgd(0.1, 0.9), [0.90, 0.92])
    study.report(study.start(study.point(sgd(0.2, 0.9)), 0), 1, 0.5)
    study.close(0, "interrupted")
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(known)
    with serving(settings_of(tmp_path / "lab")) as served:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run"),
            f"http://127.0.0.1:{served.port}/api/openapi.json",
            *("--header", f"Authorization: Bearer {TOKENS.full}"),
            *("--checks", "all", "--exclude-checks", LEFT_OUT, "--continue-on-failure"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--seed", "1"),
            *("--exclude-path-regex", "events$", "--request-timeout", "120", "--no-color"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    selected, described = map(int, re.findall(r"Selected: (\d+)/(\d+)", done.stdout)[0])
    assert selected == described - len(STREAMS)
    assert f"Tested: {selected}\n" in done.stdout
