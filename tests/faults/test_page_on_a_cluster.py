"""The page before a real cluster with a token: a study submitted by its form, seen live, stopped by
its button, in a real browser.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.replay import read_history

from ..study.command import wait_for
from ..study.page.browser import CHROMIUM, WHY_NOT, Tab, browsing
from ..study.ray_cluster import free_port
from .test_cluster_by_hand import answers, node

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT),
]
FILE = """\
study: tiny
sampler: random
points: 50
recipe: {model: mlp, data: digits, epochs: 3000}
space: {optimizer.lr: {log: [1.0e-3, 1.0e-1]}}
"""


@contextmanager
def page(storage: Path, address: str) -> Iterator[str]:
    """The command in a process of its own; gives the line that it prints first."""
    words = ["serve", "--port", "0", "--storage", str(storage), "--address", address]
    command = [sys.executable, "-m", "study.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGTERM)


def job_of(study: str, address: str) -> list[object]:
    """A study's job and whether it has ended, as another process sees it: Ray keeps the first token
    that a process has shown.
    """
    code = (
        "import json, sys\n"
        "from study.cluster.client import Cluster\n"
        "job = Cluster(sys.argv[2]).job(sys.argv[1])\n"
        "print(json.dumps([job.id, job.has_ended]))\n"
    )
    command = [sys.executable, "-c", code, study, address]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seen: list[object] = json.loads(told.stdout)
    return seen


def test_a_study_is_submitted_followed_and_stopped_from_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    dashboard, storage = free_port(), tmp_path / "lab"
    address = f"http://127.0.0.1:{dashboard}"
    head = (
        *("--head", f"--port={free_port()}", "--dashboard-host=127.0.0.1"),
        *(f"--dashboard-port={dashboard}", f"--dashboard-agent-listen-port={free_port()}"),
    )
    storage.mkdir()
    with (
        tempfile.TemporaryDirectory(
            prefix="ray-test-", dir="/tmp", ignore_cleanup_errors=True
        ) as folder,
        node(*head, f"--temp-dir={folder}"),
    ):
        wait_for(lambda: answers(address), "the head")
        with (
            page(storage, address) as url,
            browsing(tmp_path / "browser") as browser,
            browser.tab() as tab,
        ):
            tab.open(url)
            follow(tab, url.partition("/?")[0])
        wait_for(lambda: job_of("tiny", address) == ["study-tiny-1", True], "the job's end")
    history = read_history(StudyPaths(LocalPath(storage), "tiny").journal)
    assert history.sessions[-1].reason == "interrupted"
    assert any(trial.rows for trial in history.trials)


def follow(tab: Tab, site: str) -> None:
    """Do as a person does who has the page alone."""
    tab.open(f"{site}/submit")
    tab.value("document.querySelector('[name=file]').value = ''")
    tab.click("[name=file]")
    tab.tell("Input.insertText", text=FILE)
    tab.click("button:not([formaction])")
    tab.until("!!document.querySelector('#will')")
    tab.click("button[formaction]")
    wait_for(lambda: tab.value("location.pathname") != "/submit", "what the cluster says to it")
    tab.until("document.readyState === 'complete'")
    told = tab.value("document.querySelector('main').textContent")
    assert re.search(r"study tiny runs at http://127\.0\.0\.1:\d+ as job study-tiny-1", told)

    link = "a[href='/s/lab/tiny']"
    if tab.value("location.pathname") == "/":  # it has not begun: the list is told when it has
        wait_for(lambda: tab.value(f'!!document.querySelector("{link}")'), "the study's row")
        tab.click(link)
        tab.until("location.pathname === '/s/lab/tiny' && document.readyState === 'complete'")
    tab.value("window.stays = true")
    tab.until("document.querySelector('.log').textContent.includes('reported')")
    tab.until("document.querySelector('.now .state').textContent === 'running'")
    tab.until("!!document.querySelector(\"a.button[href*='/do/stop']\")")
    assert tab.value("window.stays"), "all of it came without a reload"

    tab.click("a.button[href*='/do/stop']")
    tab.until("location.pathname.endsWith('/do/stop') && document.readyState === 'complete'")
    tab.click("form[method=post] button")
    tab.until("!!document.querySelector('.told')")
    assert "asked" in tab.value("document.querySelector('.told').textContent")
    tab.until("document.querySelector('.now .state').textContent === 'interrupted'")
    tab.until("!!document.querySelector(\"a.button[href*='/do/resume']\")")
