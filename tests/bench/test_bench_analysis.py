"""The analysis against Tune's own on the same rows, in one run: make bench prints the ratios."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.collect import collect
from analysis.query import load
from study.files import make_folder
from study.journal import encode
from study.paths import StudyPaths

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800), pytest.mark.filterwarnings("default")]
TRIALS, EPOCHS = int(os.environ.get("BENCH_TRIALS", "1000")), 50
METRICS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "train_seconds", "eval_seconds", "seconds", "lr")
MEMORY_LIMIT_BYTES = 2 * 2**30
SPEC = """\
study: {name}
points: {points}
recipe: {{epochs: {epochs}}}
space: {{optimizer: {{one_of: {{adam: {{lr: {{log: [1e-5, 1]}}}}}}}}, accumulation: {{choice: [1, 2]}}}}
"""


def metrics(trial: int, epoch: int) -> dict[str, float]:
    return {name: (zlib.crc32(f"{trial} {epoch} {name}".encode()) % 10_000) / 10_000 for name in METRICS}


def write_study(storage: Path, name: str, trials: int, epochs: int = EPOCHS) -> StudyPaths:
    """A study of so many trials, as a driver would have written it."""
    paths = StudyPaths(storage, name)
    make_folder(paths.journal.parent)
    paths.spec.write_text(SPEC.format(name=name, points=trials, epochs=epochs))
    with paths.journal.open("wb") as file:
        for number, event in enumerate(events(name, trials, epochs)):
            file.write(encode(number, {"time": 1.79e9 + number, **event}))
    return paths


def events(name: str, trials: int, epochs: int) -> Any:
    yield {"event": "created", "study": name, "format": 1, "reproducible": True, "concurrency": 2}
    yield {"event": "spec", "version": 1, "hash": "0", "changes": []}
    yield {"event": "opened", "session": 0, "pid": 1, "host": "h", "command": "study run", "provenance": {}}
    for n in range(trials):
        values = {"optimizer.name": "adam", "optimizer.lr": 1e-5 * (n + 1), "accumulation": 1 + n % 2}
        asked = {"origin": "sampler", "entry": None, "level": None, "nominal": 1.0, "known": True}
        yield {"event": "asked", "point": n, "values": values, **asked}
        started = {"seed": 0, "attempt": 1, "kind": "search", "epochs": 0, "substitutions": {}, "flags": []}
        yield {"event": "started", "trial": n, "point": n, "replicate": 0, **started}
        for epoch in range(1, epochs + 1):
            row = metrics(n, epoch)
            yield {
                "event": "reported",
                "trial": n,
                "attempt": 1,
                "epoch": epoch,
                "last": epoch == epochs,
                "metrics": row,
            }
        yield {"event": "finished", "trial": n, "attempt": 1, "stop_reason": "epochs", "summary": {"test_loss": 0.1}}
        yield {"event": "ended", "trial": n, "state": "COMPLETE", "epochs": epochs}
        yield {"event": "told", "point": n, "state": "COMPLETE", "value": metrics(n, epochs)["val_accuracy"]}


def run_tune(storage: Path, trials: int) -> Any:
    """The same rows through Tune, with its default files."""
    import ray
    from ray import tune

    class Replay(tune.Trainable):  # type: ignore[misc]
        def setup(self, config: dict[str, Any]) -> None:
            self.number = config["number"]

        def step(self) -> dict[str, Any]:
            row = {name: metrics_of(self.number, self.iteration + 1, name) for name in METRICS}
            return {**row, "done": self.iteration + 1 >= EPOCHS}

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self.number = new_config["number"]
            return True

    def metrics_of(trial: int, epoch: int, name: str) -> float:
        return (zlib.crc32(f"{trial} {epoch} {name}".encode()) % 10_000) / 10_000

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        tuner = tune.Tuner(
            Replay,
            param_space={"number": tune.grid_search(list(range(trials)))},
            tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=2),
            run_config=tune.RunConfig(name="replay", storage_path=str(storage), verbose=0),
        )
        return tuner.fit()
    finally:
        ray.shutdown()


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds, so that other work on the machine counts for nothing, and the result."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def test_consolidating_against_tune(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from ray.tune import ExperimentAnalysis

    collect(write_study(tmp_path / "ours", "warm-up", 2))
    paths = write_study(tmp_path / "ours", "bench", TRIALS)
    grid = run_tune(tmp_path / "tune", TRIALS)
    ours, _ = timed(lambda: collect(paths))
    opened, results = timed(lambda: load(paths))
    rows, epochs = timed(lambda: results.epochs)
    grouped, _ = timed(lambda: epochs.groupby("trial")["val_accuracy"].max())
    last, _ = timed(lambda: grid.get_dataframe())
    theirs, analysis = timed(lambda: ExperimentAnalysis(str(tmp_path / "tune" / "replay")))
    frames, all_rows = timed(lambda: pd.concat(analysis.trial_dataframes.values()))
    assert len(epochs) == len(all_rows) == TRIALS * EPOCHS
    with capsys.disabled():
        print(f"\n{TRIALS} trials x {EPOCHS} epochs")
        print(f"  every row, consolidated: ours {ours:.2f} s, ExperimentAnalysis {theirs + frames:.2f} s")
        print(f"    ratio {(theirs + frames) / ours:.1f}; ResultGrid.get_dataframe, last rows only: {last:.2f} s")
        print(f"  opened again: {opened + rows:.3f} s (ratio {(theirs + frames) / (opened + rows):.0f})")
        print(f"  grouped by trial: {grouped * 1000:.1f} ms")


def test_cost_grows_with_the_rows_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for trials in (250, 500, 1000, 2000):
        paths = write_study(tmp_path, f"bench-{trials}", trials)
        began = time.process_time()
        collect(paths)
        spent = time.process_time() - began
        lines.append(f"{trials} trials {spent:.2f} s ({spent / trials * 1000:.2f} ms each)")
    with capsys.disabled():
        print(f"\nconsolidating, processor time: {', '.join(lines)}")


def test_ten_thousand_trials_fit_in_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = write_study(tmp_path, "large", 10_000)
    code = (
        "import json, resource, sys, time; began = time.perf_counter();"
        "from pathlib import Path; from analysis.collect import collect; from analysis.query import load;"
        "from study.paths import StudyPaths; paths = StudyPaths(Path(sys.argv[1]), 'large');"
        "collect(paths); collected = time.perf_counter() - began; r = load(paths); n = len(r.epochs), len(r.trials);"
        "print(json.dumps([n, collected, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    (epochs, trials), seconds, peak = json.loads(done.stdout)
    assert (epochs, trials) == (500_000, 10_000)
    assert peak < MEMORY_LIMIT_BYTES
    with capsys.disabled():
        print(
            f"\n10,000 x 50 rows: collected in {seconds:.1f} s, at most {peak / 2**20:.0f} MiB; "
            "journal "
            f"{paths.journal.stat().st_size / 2**20:.0f} MiB"
        )
