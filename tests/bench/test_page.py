"""The page: how soon it is there, how large it is, and what those who look at it cost."""

from __future__ import annotations

import http.client
import math
import os
import random
import re
import resource
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from ..analysis.conftest import Maker, filled, sgd
from .board import Board

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600), pytest.mark.filterwarnings("default")]
STUDIES = [int(count) for count in os.environ.get("BENCH_STUDIES", "100,1000").split(",")]
POINTS = int(os.environ.get("BENCH_POINTS", "5000"))
"""Of two trials each."""
VIEWERS, EPOCHS_A_SECOND = 50, 20
WATCHED_S = float(os.environ.get("BENCH_WATCHED_S", "60"))
TOKEN = "a-token-of-the-measurements"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/html"}


@dataclass(frozen=True)
class Server:
    """The command in a process of its own."""

    process: psutil.Process
    port: int

    def ask(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1800)
        connection.request("GET", path, headers=HEADERS)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        assert response.status == 200, body
        return body

    def seconds(self, path: str, times: int = 5) -> float:
        """The median time of an answer."""
        taken = []
        for _ in range(times):
            began = time.perf_counter()
            self.ask(path)
            taken.append(time.perf_counter() - began)
        return statistics.median(taken)

    def cpu_seconds(self) -> float:
        spent = self.process.cpu_times()
        return float(spent.user + spent.system)

    def megabytes(self) -> float:
        return float(self.process.memory_info().rss / 1e6)


@contextmanager
def serving(storage: Path) -> Iterator[Server]:
    command = [sys.executable, "-m", "study.cli", "serve", "--port", "0", "--storage", str(storage)]
    environment = os.environ | {"STUDY_TOKEN": TOKEN}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        found = re.search(r":(\d+)/", process.stdout.readline())
        assert found
        try:
            yield Server(psutil.Process(process.pid), int(found[1]))
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("count", STUDIES)
def test_the_list_of_many_studies(count: int, tmp_path: Path, board: Board) -> None:
    for number in range(count):
        filled(Maker(tmp_path / "lab", name=f"s{number:05d}"), 10)
    with serving(tmp_path / "lab") as server:
        goal_s = max(0.2, count / 1000)
        first_s = server.seconds("/", times=1)
        began = time.perf_counter()
        server.ask("/index.json")
        read_s = time.perf_counter() - began
        board.at_most(f"list of {count} studies, first answer", first_s, 2 * goal_s, "s")
        board.shown(f"list of {count} studies, all read for the first time", f"{read_s:.1f} s")
        board.at_most(f"list of {count} studies, warm", server.seconds("/"), goal_s, "s")
        board.shown(f"server's memory with {count} studies", f"{server.megabytes():.0f} MB")


def test_the_page_of_a_large_study(tmp_path: Path, board: Board) -> None:
    filled(Maker(tmp_path / "lab", name="large"), POINTS)
    path = "/s/lab/large"
    with serving(tmp_path / "lab") as server:
        cold_s = server.seconds(path, times=1)
        board.shown(f"study of {2 * POINTS} trials, read for the first time", f"{cold_s:.1f} s")
        board.at_most(f"study of {2 * POINTS} trials, first paint", server.seconds(path), 0.3, "s")
        size_kb = len(server.ask(path)) / 1000
        board.at_most(f"study of {2 * POINTS} trials, first paint", size_kb, 300, "kB")
        server.ask(f"{path}?wait=1")
        size_kb = len(server.ask(path)) / 1000
        board.at_most(f"study of {2 * POINTS} trials, with its tables", size_kb, 300, "kB")
        trial_s = server.seconds(f"{path}/t/{POINTS}")
        board.shown(f"a trial of {2 * POINTS}", f"{trial_s:.2f} s")
        board.shown(f"server's memory with {2 * POINTS} trials", f"{server.megabytes():.0f} MB")


def test_many_viewers_of_a_busy_study(tmp_path: Path, board: Board) -> None:
    study = Maker(tmp_path / "lab", name="busy")
    sent = [0] * VIEWERS
    with serving(tmp_path / "lab") as server:
        server.ask("/s/lab/busy?wait=1")

        def view(number: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", server.port)
            connection.request("GET", "/s/lab/busy/events", headers=HEADERS)
            response = connection.getresponse()
            with response, suppress(OSError, http.client.HTTPException):
                for line in response:
                    sent[number] += len(line)
            connection.close()

        for number in range(VIEWERS):
            threading.Thread(target=view, args=(number,), daemon=True).start()
        _wait_until(lambda: all(sent))
        cpu_s, began = server.cpu_seconds(), time.monotonic()
        _report_epochs(study, began + WATCHED_S)
        took_s = time.monotonic() - began
        share = (server.cpu_seconds() - cpu_s) / took_s
        told = f"{VIEWERS} viewers of {EPOCHS_A_SECOND} epochs a second"
        board.at_most(f"{told}, share of a core", share, 0.2, "")
        board.shown(f"{told}, sent to each", f"{sum(sent) / VIEWERS / took_s / 1000:.0f} kB/s")
        board.shown(f"{told}, server's memory", f"{server.megabytes():.0f} MB")


def _report_epochs(study: Maker, until: float) -> None:
    """Report epochs of two trials at once, at the pace that was asked for."""
    draw = random.Random(0)
    began, count = time.monotonic(), 0
    while time.monotonic() < until:
        point = study.point(sgd(10 ** draw.uniform(-3, 0), draw.uniform(0, 0.99)))
        trials = [study.start(point, seed) for seed in range(2)]
        for epoch in range(1, 11):
            for trial in trials:
                study.report(trial, epoch, 1 - math.exp(-epoch * draw.random()))
            count += len(trials)
            time.sleep(max(0.0, began + count / EPOCHS_A_SECOND - time.monotonic()))
        for trial in trials:
            study.finish(trial, test_accuracy=0.9)
        study.tell(point, "COMPLETE", 0.9)


def test_a_thousand_connections(tmp_path: Path, board: Board) -> None:
    """Each asks for a page without end: the server bears them, and answers others meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    Maker(tmp_path / "lab", name="one")
    connections = []
    try:
        with serving(tmp_path / "lab") as server:
            server.ask("/s/lab/one?wait=1")
            for _ in range(1000):
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
                connection.request("GET", "/s/lab/one/events", headers=HEADERS)
                connections.append(connection)
            answers = [connection.getresponse().status for connection in connections]
            board.shown("streams at once", f"{answers.count(200)} of {len(answers)} open")
            board.at_most("an answer beside them", server.seconds("/health"), 0.1, "s")
            board.shown("server's memory with them", f"{server.megabytes():.0f} MB")
            for connection in connections:
                connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 600
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
