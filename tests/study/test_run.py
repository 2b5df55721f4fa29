"""Studies really run: real Ray, real training on real digits, processes really killed."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from .command import (
    DEADLINE_S,
    check_exact,
    count,
    events_of,
    history_of,
    kill,
    outcome,
    run,
    start,
    wait_for,
    write_slow_study,
    write_study,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the tiny study has run without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder, "run", str(write_slow_study(folder)))
    return folder


def test_a_study_runs_to_its_tables(whole: Path) -> None:
    check_exact(history_of(whole))
    trials = pd.read_parquet(whole / "studies" / "tiny" / "results" / "trials.parquet")
    assert list(trials["trial"]) == list(range(6))
    assert set(trials["state"]) == {"COMPLETE", "PRUNED"}
    assert (
        run(whole, "table", "tiny", "--format", "csv").stdout.count("\n")
        == 1 + (trials["state"] == "COMPLETE").sum()
    )


def test_running_it_again_shows_it_complete(whole: Path) -> None:
    before = events_of(whole)
    said = run(whole, "run", "tiny.yaml").stdout
    assert "study tiny is complete" in said
    assert "is complete" in run(whole, "resume", "tiny").stdout
    assert events_of(whole) == before


def test_a_different_study_of_the_same_name_is_refused_with_the_difference(whole: Path) -> None:
    refused = run(whole, "run", "tiny.yaml", "--set", "sampler.seed=3", code=2).stderr
    assert "sampler.seed: 0 -> 3" in refused
    assert "study resume tiny" in refused
    assert "--name" in refused


@pytest.mark.parametrize(
    "after",
    [
        pytest.param("opened", marks=pytest.mark.faults),
        "reported",
        pytest.param("ended", marks=pytest.mark.faults),
    ],
)
def test_killed_and_resumed_a_study_ends_as_if_it_had_never_been_killed(
    whole: Path, tmp_path: Path, after: str
) -> None:
    write_slow_study(tmp_path)
    process = start(tmp_path, "run", "tiny.yaml")
    wait_for(lambda: count(tmp_path, after) >= (1 if after == "opened" else 3), f"3 x {after}")
    kill(process)
    ended = {event["trial"] for event in events_of(tmp_path) if event["event"] == "ended"}
    run(tmp_path, "resume", "tiny")
    history = history_of(tmp_path)
    check_exact(history)
    assert all(len(history.trials[number].attempts) == 1 for number in ended), (
        "an ended trial ran again"
    )
    assert outcome(history) == outcome(history_of(whole))


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.faults)]
)
def test_ctrl_c_and_sigterm_stop_cleanly(
    whole: Path, tmp_path: Path, number: signal.Signals
) -> None:
    write_slow_study(tmp_path)
    process = start(tmp_path, "run", "tiny.yaml")
    wait_for(lambda: count(tmp_path, "reported") >= 2, "two epochs")
    process.send_signal(number)
    said, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130, said
    assert "study resume tiny" in said
    assert "Traceback" not in said
    assert events_of(tmp_path)[-1]["event"] == "closed"
    run(tmp_path, "resume", "tiny")
    assert outcome(history_of(tmp_path)) == outcome(history_of(whole))


def test_a_killed_worker_costs_an_attempt_and_nothing_else(whole: Path, tmp_path: Path) -> None:
    import os

    write_slow_study(tmp_path)
    process = start(tmp_path, "run", "tiny.yaml")
    placed = wait_for(
        lambda: [e for e in events_of(tmp_path) if e["event"] == "placed"], "a worker"
    )
    os.kill(placed[0]["pid"], signal.SIGKILL)
    said, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, said
    assert "(raylet)" not in said
    history = history_of(tmp_path)
    failures = [
        attempt.failure for trial in history.trials for attempt in trial.attempts if attempt.failure
    ]
    assert [failure.failure_class for failure in failures] == ["node"]
    assert outcome(history) == outcome(history_of(whole))


def test_a_second_driver_is_refused_at_once(tmp_path: Path) -> None:
    write_slow_study(tmp_path)
    process = start(tmp_path, "run", "tiny.yaml")
    wait_for(lambda: count(tmp_path, "opened"), "the driver")
    refused = run(tmp_path, "resume", "tiny", code=2).stderr
    assert f"process {process.pid} on" in refused
    kill(process)


@pytest.mark.faults
def test_extended_a_study_equals_a_straight_one(whole: Path, tmp_path: Path) -> None:
    write_slow_study(tmp_path, points=3, keep_checkpoints="all")
    run(tmp_path, "run", "tiny.yaml")
    run(tmp_path, "resume", "tiny", "--points", "6")
    history = history_of(tmp_path)
    assert outcome(history) == outcome(history_of(whole))
    assert [version.version for version in history.specs] == [1, 2]
    assert history.specs[1].changes == ["points: 3 -> 6"]
    refused = run(tmp_path, "resume", "tiny", "--set", "sampler.seed=5", code=2).stderr
    assert "sampler.seed: 0 -> 5" in refused
    # more epochs: complete trials train on, pruned ones stay pruned
    run(tmp_path, "resume", "tiny", "--set", "recipe.epochs=5")
    longer = history_of(tmp_path)
    for before, after in zip(history.trials, longer.trials, strict=True):
        assert after.state == before.state
        assert after.epochs == (5 if before.state == "COMPLETE" else before.epochs)


@pytest.mark.faults
def test_all_seeds_of_a_survivor_run_whole_and_a_kill_among_them_changes_nothing(
    tmp_path: Path,
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    changes: dict[str, Any] = {"points": 6, "replicates": 3}
    for folder in (whole, killed):
        folder.mkdir()
        write_slow_study(folder, **changes)
    run(whole, "run", "tiny.yaml")
    history = history_of(whole)
    check_exact(history)
    assert {point.state for point in history.points} == {"COMPLETE", "PRUNED"}
    for point in history.points:
        assert point.seeds == ((0, 1, 2) if point.state == "COMPLETE" else ())
    process = start(killed, "run", "tiny.yaml")
    wait_for(
        lambda: any(trial.replicate and trial.epochs for trial in history_of(killed).trials),
        "a further seed",
    )
    kill(process)
    run(killed, "resume", "tiny")
    assert outcome(history_of(killed)) == outcome(history)


@pytest.mark.faults
def test_with_at_best_the_best_epochs_weights_are_tested_and_exported_whatever_was_killed(
    tmp_path: Path,
) -> None:
    changes = {
        "objective": {"metric": "val_loss", "direction": "maximize", "at": "best"},
        "pruner": "none",
    }
    write_slow_study(tmp_path, points=2, keep_checkpoints="all", **changes)
    process = start(tmp_path, "run", "tiny.yaml")
    wait_for(lambda: count(tmp_path, "reported") >= 4, "four epochs")
    kill(process)
    run(tmp_path, "resume", "tiny")
    trials = history_of(tmp_path).trials
    for trial in trials:
        losses = [row["val_loss"] for row in trial.rows]
        best = 1 + losses.index(max(losses))
        run(tmp_path, "export", "tiny", "--trial", str(trial.number), "--to", f"home{trial.number}")
        figures = json.loads((tmp_path / f"home{trial.number}" / "figures.json").read_text())
        assert (figures["test_epoch"], figures["weights_epoch"]) == (best, best)
        assert figures["point_value"] == max(losses)
    assert any(trial.summary["test_epoch"] < trial.epochs for trial in trials)


MODEL = """
import os, time
from pathlib import Path
from torch import nn

def factory(image_shape, classes, **options):
    {trouble}
    channels, height, width = image_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, classes))
"""


def broken_study(folder: Path, trouble: str, **changes: Any) -> None:
    (folder / "mine.py").write_text(MODEL.format(trouble=trouble))
    recipe = {"epochs": 2, "data": {"name": "digits", "train_images": 200}, "model": "mine:factory"}
    write_study(folder, recipe=recipe, pruner="none", points=4, **changes)


def test_a_study_that_only_fails_stops_and_its_trials_can_be_retried(tmp_path: Path) -> None:
    broken_study(tmp_path, "raise RuntimeError('my own bug')")
    halted = run(tmp_path, "run", "tiny.yaml", code=3)
    assert "my own bug" in halted.stderr
    assert "study retry" in halted.stderr
    assert "Traceback" not in halted.stderr
    assert "my own bug" in run(tmp_path, "logs", "tiny").stdout
    (tmp_path / "mine.py").write_text(MODEL.format(trouble="pass"))
    run(tmp_path, "retry", "tiny", "--failed")
    history = history_of(tmp_path)
    assert [point.state for point in history.points] == ["COMPLETE"] * 4
    failed = [trial for trial in history.trials if trial.attempts[0].failure is not None]
    assert len(failed) >= 3  # the fourth may have been started by none, or stopped with the study


def test_the_first_worker_is_there_before_its_trial(tmp_path: Path) -> None:
    broken_study(
        tmp_path,
        "import psutil;"
        f" Path({str(tmp_path / 'born')!r}).write_text(str(psutil.Process().create_time()))",
    )
    run(tmp_path, "run", "tiny.yaml", "--points", "1")
    assert (
        float((tmp_path / "born").read_text())
        < history_of(tmp_path).trials[0].attempts[0].started_at
    )


def test_a_worker_that_ends_itself_fails_its_trial(tmp_path: Path) -> None:
    broken_study(tmp_path, "os._exit(7)")
    run(tmp_path, "run", "tiny.yaml", "--keep-going", "--points", "1", code=1)
    failure = history_of(tmp_path).trials[0].failure
    assert failure is not None
    assert failure.failure_class == "error"
    assert "died 4 times after epoch 0" in failure.message


@pytest.mark.faults
def test_a_trial_that_hangs_is_found_and_the_study_goes_on(tmp_path: Path) -> None:
    trouble = "Path('hung').exists() or (Path('hung').touch(), time.sleep(10000))"
    # long enough for the second trial to start on a busy machine
    broken_study(tmp_path, trouble, trial={"heartbeat_s": 20}, concurrency=1)
    (tmp_path / "mine.py").write_text(
        MODEL.format(trouble=f"os.chdir({str(tmp_path)!r}); {trouble}")
    )
    run(tmp_path, "run", "tiny.yaml", "--points", "2")
    history = history_of(tmp_path)
    assert [trial.state for trial in history.trials] == ["FAIL", "COMPLETE"]
    assert history.trials[0].failure is not None
    assert history.trials[0].failure.failure_class == "timeout"


POISONED = """
import os, threading
from pathlib import Path
from torch import nn

def factory(image_shape, classes):
    mark = Path(__file__).with_name("poisoned")
    if threading.current_thread().name == "training":
        if not mark.exists():
            mark.write_text(str(os.getpid()))
        if mark.read_text() == str(os.getpid()):
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
    channels, height, width = image_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, classes))
"""


def test_a_process_whose_gpu_answers_no_more_is_given_up_and_no_other_trial_meets_it(
    tmp_path: Path,
) -> None:
    broken_study(tmp_path, "pass", concurrency=1)
    (tmp_path / "mine.py").write_text(POISONED)
    run(tmp_path, "run", "tiny.yaml")
    history = history_of(tmp_path)
    assert [trial.state for trial in history.trials] == ["COMPLETE"] * 4
    failed = [attempt for trial in history.trials for attempt in trial.attempts if attempt.failure]
    assert len(failed) == 1
    assert failed[0].failure is not None
    assert failed[0].failure.failure_class == "device"
    assert failed[0].pid not in [trial.attempt.pid for trial in history.trials]


PROMOTING = {"name": "asha", "min_epochs": 1, "reduction": 2, "promote": True}


def test_trials_wait_at_their_rungs_and_the_best_of_them_go_on(tmp_path: Path) -> None:
    write_study(tmp_path, pruner=PROMOTING)
    run(tmp_path, "run", "tiny.yaml")
    history = history_of(tmp_path)
    trials = history.trials
    assert {trial.state for trial in trials if trial.epochs < 4} == {"PRUNED"}
    assert {trial.state for trial in trials if trial.epochs == 4} == {"COMPLETE"}
    for trial in trials:
        assert [row["epoch"] for row in trial.rows] == list(range(1, trial.epochs + 1))
        assert all(attempt.set_aside == "rung" for attempt in trial.attempts[:-1])
        assert len(trial.attempts) == len(trial.promoted_at) + 1
    assert any(trial.promoted_at == [1, 2] for trial in trials)
    check_exact(history)


@pytest.mark.faults
def test_a_study_that_promotes_comes_to_the_same_whoever_kills_it(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
        write_slow_study(folder, points=9, pruner=PROMOTING)
    run(whole, "run", "tiny.yaml")
    process = start(killed, "run", "tiny.yaml")
    wait_for(lambda: count(killed, "promoted") > 1, "a promotion")
    kill(process)
    run(killed, "resume", "tiny")
    assert outcome(history_of(killed)) == outcome(history_of(whole))
