"""The analysis against Tune's own on the same rows, in one run, in processor time."""

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
import pyarrow.parquet as pq
import pytest

from analysis.results import load
from study.files.atomic import make_folder
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.log.record_lines import encode_line
from study.journal.spec_versions import sha256_hex
from study.results.parquet import write_tables

from .board import Board

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600), pytest.mark.filterwarnings("default")]
TRIALS, EPOCHS = int(os.environ.get("BENCH_TRIALS", "1000")), 50
METRICS = (
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "train_seconds",
    "eval_seconds",
    "seconds",
    "lr",
)
MEMORY_LIMIT_BYTES = 2 * 2**30
SPEC = """\
study: {name}
points: {points}
recipe: {{epochs: {epochs}}}
space: {{optimizer: {{one_of: {{adam: {{lr: {{log: [1e-5, 1]}}}}}}}}, accumulation: {{choice: [1, 2]}}}}
"""


def metrics(trial: int, epoch: int) -> dict[str, float]:
    return {
        name: (zlib.crc32(f"{trial} {epoch} {name}".encode()) % 10_000) / 10_000 for name in METRICS
    }


def write_study(storage: Path, name: str, trials: int, epochs: int = EPOCHS) -> StudyPaths:
    """A study of so many trials, as a driver would have written it."""
    paths = StudyPaths(LocalPath(storage), name)
    make_folder(paths.journal.parent)
    paths.spec.write_text(SPEC.format(name=name, points=trials, epochs=epochs))
    digest = sha256_hex(paths.spec.read_bytes())
    with paths.journal.open("wb") as file:
        for number, event in enumerate(events(name, trials, epochs, digest)):
            file.write(encode_line(number, {"time": 1.79e9 + number, **event}))
    return paths


def events(name: str, trials: int, epochs: int, digest: str) -> Any:
    yield {"event": "created", "study": name, "format": 1, "reproducible": True, "concurrency": 2}
    yield {"event": "spec", "version": 1, "hash": digest, "changes": []}
    yield {
        "event": "opened",
        "session": 0,
        "pid": 1,
        "host": "h",
        "command": "study run",
        "provenance": {},
    }
    for n in range(trials):
        values = {
            "optimizer.name": "adam",
            "optimizer.lr": 1e-5 * (n + 1),
            "accumulation": 1 + n % 2,
        }
        asked = {"origin": "sampler", "entry": None, "level": None, "nominal": 1.0, "known": True}
        yield {"event": "asked", "point": n, "values": values, **asked}
        started = {
            "seed": 0,
            "attempt": 1,
            "kind": "search",
            "epochs": 0,
            "substitutions": {},
            "flags": [],
        }
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
        yield {
            "event": "finished",
            "trial": n,
            "attempt": 1,
            "stop_reason": "epochs",
            "summary": {"test_loss": 0.1},
        }
        yield {"event": "ended", "trial": n, "state": "COMPLETE", "epochs": epochs}
        yield {
            "event": "told",
            "point": n,
            "state": "COMPLETE",
            "value": metrics(n, epochs)["val_accuracy"],
        }


def replay() -> Any:
    """A trainable that shows the same rows."""
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

    return Replay


def run_tune(storage: Path, trials: int) -> None:
    """The same rows through Tune, with its default files; workers send a trial's results at once,
    to save an hour.
    """
    os.environ["TUNE_RESULT_BUFFER_LENGTH"] = str(EPOCHS)
    import ray
    from ray import tune

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        tune.Tuner(
            replay(),
            param_space={"number": tune.grid_search(list(range(trials)))},
            tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=2),
            run_config=tune.RunConfig(
                name="replay",
                storage_path=str(storage),
                verbose=0,
                checkpoint_config=tune.CheckpointConfig(
                    checkpoint_frequency=0, checkpoint_at_end=False
                ),
            ),
        ).fit()
    finally:
        ray.shutdown()


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds, so that other work on the machine counts for nothing, and the result."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def best_ten(paths: StudyPaths) -> list[int]:
    """The best trials by their last validation accuracy, straight from Parquet."""
    columns = pq.ParquetFile(paths.trials_table).read(columns=["trial", "val_accuracy_last"])
    return columns.sort_by([("val_accuracy_last", "descending"), ("trial", "ascending")])["trial"][
        :10
    ].to_pylist()


def best_ten_of_tune(folder: Path) -> list[int]:
    """The same as Tune has it."""
    from ray import tune

    frame = tune.Tuner.restore(str(folder), trainable=replay()).get_results().get_dataframe()
    frame = frame.sort_values(["val_accuracy", "config/number"], ascending=[False, True])
    return frame["config/number"][:10].tolist()


def bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_against_tune(tmp_path: Path, board: Board) -> None:
    from ray.tune import ExperimentAnalysis

    write_tables(write_study(tmp_path / "ours", "warm-up", 2))
    paths, tree = write_study(tmp_path / "ours", "bench", TRIALS), tmp_path / "tune" / "replay"
    run_tune(tree.parent, TRIALS)
    ours, _ = timed(lambda: write_tables(paths))
    best_ten(paths), best_ten_of_tune(tree)
    quick = min(timed(lambda: best_ten(paths)) for _ in range(10))
    slow = min(timed(lambda: best_ten_of_tune(tree)) for _ in range(2))
    assert quick[1] == slow[1]
    opened, results = timed(lambda: load(paths))
    rows, epochs = timed(lambda: results.epochs)
    theirs, analysis = timed(lambda: ExperimentAnalysis(str(tree)))
    frames, all_rows = timed(lambda: pd.concat(analysis.trial_dataframes.values()))
    assert len(epochs) == len(all_rows) == TRIALS * EPOCHS
    size, read, tune_bytes = (
        bytes_below(paths.results),
        paths.trials_table.stat().st_size,
        bytes_below(tree),
    )
    cells = f"{TRIALS:,} x {EPOCHS} epochs"
    board.at_least(
        f"the best ten of {cells}: {quick[0] * 1000:.1f} ms; Tuner.restore over it",
        slow[0] / quick[0],
        1000,
        "×",
    )
    board.at_least(
        f"Tune's tree over the file that this reads ({read / 2**10:.0f} KiB)",
        tune_bytes / read,
        100,
        "×",
    )
    board.at_least(
        f"Tune's tree over all of our results ({size / 2**20:.2f} MiB)", tune_bytes / size, 100, "×"
    )
    slower, again = theirs + frames, opened + rows
    board.shown(
        "- every row, consolidated; ExperimentAnalysis over it",
        f"{ours:.2f} s; {slower / ours:.1f} ×",
    )
    board.shown("- every row, opened again", f"{again * 1000:.0f} ms; {slower / again:.0f} ×")


def test_cost_grows_with_the_rows_alone(tmp_path: Path, board: Board) -> None:
    lines = []
    for trials in (250, 500, 1000, 2000):
        paths = write_study(tmp_path, f"bench-{trials}", trials)
        began = time.process_time()
        write_tables(paths)
        spent = time.process_time() - began
        lines.append(f"{spent / trials * 1000:.2f}")
        assert pq.read_metadata(paths.trials_table).num_rows == trials
    board.shown("- processor ms for each of 250, 500, 1,000 and 2,000 trials", ", ".join(lines))


def test_ten_thousand_trials_fit_in_memory(tmp_path: Path, board: Board) -> None:
    paths = write_study(tmp_path, "large", 10_000)
    code = (
        "import json, resource, sys, time; began = time.perf_counter();from pathlib import Path;"
        " from study.results.parquet import write_tables; from analysis.results import load;from"
        " study.files.layout import StudyPaths; from study.files.local_storage import LocalPath;"
        " paths = StudyPaths(LocalPath(sys.argv[1]),"
        " 'large');write_tables(paths); collected = time.perf_counter() - began; r = load(paths); n ="
        " len(r.epochs), len(r.trials);print(json.dumps([n, collected,"
        " resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    (epochs, trials), seconds, peak = json.loads(done.stdout)
    assert (epochs, trials) == (500_000, 10_000)
    assert peak < MEMORY_LIMIT_BYTES
    journal = paths.journal.stat().st_size / 2**20
    what = f"500,000 rows of 10,000 trials collected, from a journal of {journal:.0f} MiB"
    board.shown(f"- {what}", f"{seconds:.1f} s, at most {peak / 2**20:.0f} MiB")
