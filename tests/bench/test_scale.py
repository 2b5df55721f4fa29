"""Ten thousand trials, three hundred resumed, two thousand reports a second: what grows, and
how.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.open_study import open_study, start_session
from study.execution.run import RunOptions
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.history import History
from study.journal.journal import Journal, read_records
from study.journal.spec_versions import open_journal

from ..study.fake_cluster import Storage, controller_on, curve, drive, small_spec
from .board import Board
from .test_between_trials import run_study

pytestmark = [pytest.mark.bench, pytest.mark.timeout(7200), pytest.mark.filterwarnings("default")]
TRIALS = int(os.environ.get("BENCH_SCALE", "10000"))
REPORTS, GROUP = 4000, 16

REPORTER = """\
import json, sys
from pathlib import Path
from study.files.local_storage import LocalPath
from study.journal.journal import Journal

journal = Journal.create(LocalPath(sys.argv[1]))
row = dict.fromkeys(("val_accuracy", "val_loss", "train_loss", "train_accuracy", "lr", "seconds"), 0.12345)
epoch = 0
while True:
    group = range(epoch, epoch + 16)
    journal.append(*({"event": "reported", "trial": 0, "attempt": 1, "epoch": e, "metrics": row} for e in group))
    epoch += 16
    print(epoch, flush=True)
"""


def test_ten_thousand_trials(place: Path, board: Board) -> None:
    history, meter = run_study(place, "large", TRIALS)
    assert [point.state for point in history.points] == ["COMPLETE"] * TRIALS
    paths = StudyPaths(LocalPath(place / "studies"), "large")
    began = time.process_time()
    assert len(History(read_records(paths.journal)).trials) == TRIALS
    reading = time.process_time() - began
    early, late = (
        meter.per_trial_ms(first, first + TRIALS // 10)
        for first in (TRIALS // 10, TRIALS * 9 // 10)
    )
    board.shown(
        f"{TRIALS:,} trials that do nothing", f"{meter.per_trial_ms(0, TRIALS)[0]:.1f} ms each"
    )
    board.at_most(
        "- the driver's time for the last tenth of them over the second tenth",
        late[1] / early[1],
        1.2,
        "×",
    )
    memory = [meter.memory_bytes[place] / 2**20 for place in (TRIALS // 10, TRIALS - 1)]
    board.shown(
        "- the driver's memory after a tenth of them and at the end",
        f"{memory[0]:.0f} and {memory[1]:.0f} MiB",
    )
    board.shown(
        "- journal", f"{paths.journal.stat().st_size / 2**20:.1f} MiB, read back in {reading:.2f} s"
    )


def test_resuming_three_hundred_trials(tmp_path: Path, board: Board) -> None:
    """What a resume does before and beside Ray's start: the journal read and replayed, the session
    opened.
    """
    spec = small_spec(study="resumed", points=400, recipe={"epochs": 27}, sampler="tpe")
    storage, paths = Storage(), StudyPaths(LocalPath(tmp_path), "resumed")
    storage.die_after = 100_000
    controller = controller_on(storage, spec)
    drive(controller, thinks=lambda: stop_at(controller, 300))
    paths.folder.mkdir()
    paths.spec.write_text(spec.yaml())
    with RayConnection(None) as idle, open_study(paths, RunOptions(), idle):
        pass
    journal = open_journal(paths)
    journal.append(*storage.events)
    journal.close()
    began, cpu = time.perf_counter(), time.process_time()
    with RayConnection(None) as idle, open_study(paths, RunOptions(), idle) as resumed:
        start_session(resumed, paths)
        assert len(resumed.history.trials) >= 300
        spent = time.perf_counter() - began, time.process_time() - cpu
    board.at_most("resuming 300 trials of up to 27 epochs, beside Ray's start", spent[0], 1, "s")
    board.shown("- of it processor time", f"{spent[1]:.2f} s")


def stop_at(controller: object, trials: int) -> bool:
    """Interrupt the study once it has so many trials."""
    if len(controller.history.trials) >= trials:  # type: ignore[attr-defined]
        controller.stopping = "interrupted"  # type: ignore[attr-defined]
    return False


def test_reports_become_durable_in_groups(tmp_path: Path, board: Board) -> None:
    spec = small_spec(points=4, pruner="none", recipe={"epochs": REPORTS})
    journal = Journal.create(LocalPath(tmp_path) / "journal" / "events.jsonl")
    storage = Storage()
    storage.append = journal.append  # type: ignore[method-assign]
    controller = controller_on(storage, spec)
    assignment = controller.next()
    row = curve(assignment.recipe, 1)  # type: ignore[union-attr]
    began = time.perf_counter()
    for first in range(1, REPORTS + 1, GROUP):
        with controller.together():
            for epoch in range(first, first + GROUP):
                controller.reported(0, 1, {"epoch": epoch, "last": False, **row})
    rate = REPORTS / (time.perf_counter() - began)
    journal.close()
    reported = [
        event["epoch"] for event in read_records(journal.path) if event["event"] == "reported"
    ]
    assert reported == list(range(1, REPORTS + 1))
    board.at_least(
        f"epoch reports taken and made durable, in groups of {GROUP}", rate, 2000, "a second"
    )


def test_a_kill_loses_no_report_that_was_acted_upon(tmp_path: Path, board: Board) -> None:
    acted = []
    for round_ in range(5):
        path = LocalPath(tmp_path) / str(round_) / "journal" / "events.jsonl"
        process = subprocess.Popen(
            [sys.executable, "-c", REPORTER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(20 + 7 * round_):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        told = [int(line) for line in process.stdout.read().split()]
        process.wait()
        process.stdout.close()
        journal = Journal.open(path)
        journal.close()
        epochs = [event["epoch"] for event in journal.records()]
        assert epochs == list(range(len(epochs)))
        assert len(epochs) >= max(told, default=16 * (20 + 7 * round_))
        acted.append(len(epochs))
    board.shown("- of reports acted upon, lost by 5 kills", f"none of {sum(acted):,}")
