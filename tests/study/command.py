"""The real command in a real process: started, watched through its journal, killed, and asked
again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from study.files.local_storage import LocalPath
from study.journal.history import History
from study.journal.journal import read_records
from study.journal.trials import ENDED_STATES

STUDY = str(Path(sys.executable).with_name("study"))
DEADLINE_S = 900
STARTED: list[subprocess.Popen[str]] = []

TINY: dict[str, Any] = {
    "study": "tiny",
    "points": 6,
    "sampler": {"name": "tpe", "seed": 0},
    "concurrency": 2,
    "pruner": {"name": "asha", "min_epochs": 1, "reduction": 2},
    "recipe": {"epochs": 4, "data": {"name": "digits", "train_images": 400}, "model": "mlp"},
    "space": {
        "optimizer": {
            "one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}, "adam": {"lr": {"log": [1e-5, 1e-2]}}}
        },
    },
}


def write_study(folder: Path, **changes: Any) -> Path:
    tree = TINY | changes
    path = folder / f"{tree['study']}.yaml"
    path.write_text(json.dumps(tree))
    return path


SLOW = """
import time
from torch import nn

class Slow(nn.Sequential):
    def forward(self, images):
        if self.training and not images.is_meta:
            time.sleep(self.pause_s)
        return super().forward(images)

def factory(image_shape, classes, pause_s):
    channels, height, width = image_shape
    network = Slow(nn.Flatten(), nn.Linear(channels * height * width, 32), nn.ReLU(), nn.Linear(32, classes))
    network.pause_s = pause_s
    return network
"""


def write_slow_study(
    folder: Path, *, pause_s: float = 0.02, epochs: int = 4, **changes: Any
) -> Path:
    """A study whose epochs of 12 updates take their time, so that one can meet it running."""
    (folder / "slow.py").write_text(SLOW)
    data = {"name": "digits", "train_images": 400, "batch_size": 32}
    model = {"name": "slow:factory", "options": {"pause_s": pause_s}}
    return write_study(folder, recipe={"epochs": epochs, "data": data, "model": model}, **changes)


def run(
    folder: Path, *words: str, code: int | None = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``study …`` in ``folder`` and check its exit code."""
    done = subprocess.run(
        [STUDY, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        stdin=subprocess.DEVNULL,
        env=os.environ | environment,
        check=False,
    )
    assert code is None or done.returncode == code, (
        f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    )
    return done


def start(folder: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """Start ``study …`` in a session of its own."""
    process = subprocess.Popen(
        [STUDY, *words],
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    STARTED.append(process)
    return process


def end_what_is_left() -> None:
    """Kill what a test that failed has left running, and close what others have left open."""
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            kill_all(process)
        for stream in (process.stdout, process.stderr):
            if stream is not None:  # open where it ended by itself and nobody read on
                stream.close()


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL to the driver and to Ray. Workers, each in a group of its own, live on until they
    find out.
    """
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=DEADLINE_S)


def kill_all(process: subprocess.Popen[str]) -> None:
    """SIGKILL to everything that it has started, workers too, as when the power goes."""
    for member in (
        found.pid for found in psutil.process_iter() if session_of(found.pid) == process.pid
    ):
        with suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)
    process.communicate(timeout=DEADLINE_S)


def session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def events_of(folder: Path, name: str = "tiny") -> list[dict[str, Any]]:
    path = folder / "studies" / name / "journal" / "events.jsonl"
    return read_records(LocalPath(path)) if path.exists() else []


def history_of(folder: Path, name: str = "tiny") -> History:
    return History(events_of(folder, name))


def wait_for(condition: Callable[[], object], what: str) -> Any:
    """What the condition gives once it holds."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


def count(folder: Path, kind: str, name: str = "tiny") -> int:
    return sum(event["event"] == kind for event in events_of(folder, name))


TIMED = (
    "seconds",
    "train_seconds",
    "eval_seconds",
    "images_per_second",
    "time",
    "attempt",
    "peak_memory_bytes",
)


def outcome(history: History) -> list[Any]:
    """Points, stop decisions and metrics: what must not depend on interruptions."""
    return [
        (
            point.number,
            point.values,
            point.state,
            point.value,
            {
                replicate: (
                    trial.state,
                    [{k: v for k, v in row.items() if k not in TIMED} for row in trial.rows],
                )
                for replicate, trial in sorted(point.trials.items())
            },
        )
        for point in history.points
    ]


def check_exact(history: History, points: int = 6) -> None:
    """Every point once, every trial ended by itself, every epoch of it once."""
    assert [point.number for point in history.points] == list(range(points))
    assert all(point.state in ENDED_STATES for point in history.points)
    for trial in history.trials:
        assert trial.state in ("COMPLETE", "PRUNED")
        assert [row["epoch"] for row in trial.rows] == list(range(1, trial.epochs + 1))
