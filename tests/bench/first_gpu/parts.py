"""The parts of the first hour on a GPU, in order of what matters; each runs in its own process."""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch

from study.spec.load import load_spec
from study.training.runtime.device import trial_device
from study.training.runtime.failures import TrainingFailure
from study.training.runtime.gpu_share import CONTEXT_BYTES

from .trainings import (
    DATA_DIR,
    FOUR,
    fast_recipe,
    our_rate,
    ratio_to_hand,
    recipe,
    rows_of,
    wait_checked,
)

MPS = "nvidia-cuda-mps-control"
"""NVIDIA's server that runs the kernels of several processes at the same time."""


class Unmeasurable(Exception):
    """Why a part can't be tried here."""


class Found(NamedTuple):
    """What a part found: whether what must hold holds (None for a figure alone), in words."""

    holds: bool | None
    words: str
    figures: dict[str, Any] = {}  # noqa: RUF012


def the_device(device: str) -> Found:
    """Torch has a GPU that adds."""
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    total = float(torch.ones(1000, device=device).sum())
    words = f"{name}, torch {torch.__version__}, CUDA {torch.version.cuda}"
    return Found(total == 1000, words, {"device": name, "torch": torch.__version__})


def index_out_of_range(device: str) -> Found:
    """A network that looks outside of a tensor fails as what it is; its process is lost."""
    given = recipe(f"{__package__}.broken:looks_outside", device)
    try:
        rows_of(given, device)
    except TrainingFailure as failure:
        is_told = failure.failure_class == "error" and failure.ends_process == (device == "cuda")
        return Found(is_told, str(failure)[:90])
    return Found(False, "it trained")


def steps_that_wait(device: str) -> Found:
    """No step after the first waits for the GPU, under CUDA's own watch."""
    if device != "cuda":
        raise Unmeasurable("CUDA alone tells; tests/gpu pretends it")
    waiting = []
    cases = {name: recipe(name, device, **changes) for name, changes in FOUR.items()}
    cases["lenet in fp16"] = recipe("lenet", device, precision="fp16")
    cases["cifar10_fast"] = fast_recipe(
        device, epochs=1, data={} if DATA_DIR else {"name": "synthetic"}
    )
    for name, given in cases.items():
        try:
            rows_of(given, device, heartbeat=wait_checked(device, 2, 15))
        except TrainingFailure as failure:
            waiting.append(f"{name}: {failure.message[:80]}")
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return Found(not waiting, "; ".join(waiting) or f"none of {len(cases)} recipes")


def deterministic_in_a_used_process(device: str) -> Found:
    """Deterministic trainings run after others in a process, with every network, and repeat."""
    rows_of(recipe("lenet", device, epochs=1), device)
    broken = []
    for name in ("whitened_cnn", "googlenet", "resnet18", "lenet"):
        changes = {"execution": {"deterministic": True}, "epochs": 1, "data": {"train_images": 100}}
        try:
            first, again = (rows_of(recipe(name, device, **changes), device)[0] for _ in range(2))
            if first[0]["train_loss"] != again[0]["train_loss"]:
                broken.append(f"{name} differs")
        except TrainingFailure as failure:
            broken.append(f"{name}: {failure.message[:60]}")
    return Found(not broken, "; ".join(broken) or "four networks repeat")


def _hold_share(share: float, pipe: Any) -> None:
    """In a process of its own: fill a share of the GPU, say so, and wait."""
    trial_device(share)
    _, total = torch.cuda.mem_get_info()
    held = torch.empty(int(0.9 * (share * total - CONTEXT_BYTES)), dtype=torch.uint8, device="cuda")
    pipe.send(held.numel())
    pipe.recv()


def eight_shares_and_a_kill(device: str) -> Found:
    """Eight processes fill an eighth each; one is killed, and its successor gets its share."""
    if device != "cuda":
        raise Unmeasurable("no GPU to share")
    context = multiprocessing.get_context("spawn")
    holders = []
    try:
        for _ in range(8):
            ours, theirs = context.Pipe()
            holder = context.Process(target=_hold_share, args=(1 / 8, theirs), daemon=True)
            holder.start()
            holders.append((holder, ours))
        filled = sum(ours.poll(120) for _, ours in holders)
        victim = holders[0][0]
        os.kill(victim.pid or 0, signal.SIGKILL)
        began = time.perf_counter()
        ours, theirs = context.Pipe()
        successor = context.Process(target=_hold_share, args=(1 / 8, theirs), daemon=True)
        successor.start()
        holders.append((successor, ours))
        follows = ours.poll(90)
        took_s = time.perf_counter() - began
    finally:
        for holder, _ in holders:
            holder.kill()
    words = (
        f"{filled} of 8 filled; the successor {'had it' if follows else 'waited'} {took_s:.0f} s"
    )
    return Found(filled == 8 and follows, words)


def out_of_memory(device: str) -> Found:
    """Too large a batch for a share is told as that, and half the memory of it fits afterwards."""
    if device != "cuda":
        raise Unmeasurable("no GPU to fill")
    trial_device(0.05)
    given = recipe("resnet18", device, data={"batch_size": 16384}, epochs=1)
    try:
        rows_of(given, device)
        return Found(False, "it fitted")
    except TrainingFailure as failure:
        told = failure.failure_class
    rows_of(given.model_copy(update={"accumulation": 32}), device)
    return Found(told == "out_of_memory", f"told as {told}; with accumulation 32 it trained")


def a_study_of_quarters(device: str) -> Found:
    """A study with asha, four trials on a GPU, from the command to its table."""
    if importlib.util.find_spec("ray") is None:
        raise Unmeasurable("Ray is not installed")
    gpus = 0.25 if device == "cuda" else 0
    tree = {
        "study": "quarters",
        "points": 12,
        "concurrency": 4 if device == "cuda" else 1,
        "resources": {"cpus": 1, "gpus": gpus},
        "pruner": {"name": "asha", "min_epochs": 1, "reduction": 2},
        "recipe": {"epochs": 4, "model": "mlp", "data": {"name": "digits", "train_images": 400}},
        "space": {"optimizer": {"lr": {"log": [1e-3, 1]}}},
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "quarters.yaml").write_text(json.dumps(tree))
        command = [sys.executable, "-m", "study.cli", "run", "quarters.yaml"]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    last = (done.stdout + done.stderr).strip().splitlines()[-1:]
    return Found(done.returncode == 0, f"exit {done.returncode}: {' '.join(last)[:80]}")


def compiled(device: str) -> Found:
    """A compiled training runs; what its first epoch takes and what the others gain."""
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        raise Unmeasurable("no C compiler")
    plain, _ = rows_of(recipe("resnet18", device, precision="bf16"), device)
    rows, _ = rows_of(
        recipe("resnet18", device, precision="bf16", execution={"mode": "compile"}), device
    )
    gain = plain[-1]["train_seconds"] / rows[-1]["train_seconds"]
    words = f"first epoch {rows[0]['train_seconds']:.0f} s, later ones {gain:.2f} x as fast"
    return Found(None, words, {"first_s": rows[0]["train_seconds"], "gain": gain})


def loop_over_one_by_hand(device: str) -> Found:
    """Images a second of our loop over one written by hand, for four networks."""
    ratios = {name: ratio_to_hand(name, device) for name in FOUR}
    words = ", ".join(f"{name} {ratio:.3f}" for name, ratio in ratios.items())
    return Found(min(ratios.values()) >= 0.97, words, ratios)


def _rate_beside_others(model: str, device: str, start: Any, rates: Any) -> None:
    given = recipe(model, device, data={"batch_size": 128 if device == "cuda" else 50})
    start.wait()
    rates.put(our_rate(given, device))


def _rate_together(model: str, device: str, processes: int) -> float:
    """Images a second of so many trainings at once on one device, all together."""
    context = multiprocessing.get_context("spawn")
    start, rates = context.Barrier(processes, timeout=120), context.Queue()
    running = [
        context.Process(target=_rate_beside_others, args=(model, device, start, rates), daemon=True)
        for _ in range(processes)
    ]
    for process in running:
        process.start()
    try:
        return sum(float(rates.get(timeout=180)) for _ in running)
    finally:
        for process in running:
            process.kill()


def side_by_side(device: str) -> Found:
    """Images a second of one, two, four and eight trainings of lenet at once."""
    counts = (1, 2, 4, 8) if device == "cuda" else (1, 2)
    rates = {str(count): _rate_together("lenet", device, count) for count in counts}
    return Found(None, ", ".join(f"{n}: {rate:,.0f}" for n, rate in rates.items()), rates)


@contextmanager
def _mps() -> Iterator[None]:
    """A server of our own, which the processes started in this block share the GPU through."""
    if shutil.which(MPS) is None:
        raise Unmeasurable("no MPS")
    with tempfile.TemporaryDirectory() as folder:
        told = {"CUDA_MPS_PIPE_DIRECTORY": folder, "CUDA_MPS_LOG_DIRECTORY": folder}
        os.environ.update(told)
        try:
            subprocess.run([MPS, "-d"], check=True, capture_output=True, timeout=30)
            yield
        except (subprocess.SubprocessError, OSError) as error:
            raise Unmeasurable(f"MPS doesn't start: {error}") from error
        finally:
            with tempfile.TemporaryFile() as nothing:
                subprocess.run(
                    [MPS], input=b"quit -t 10\n", stdout=nothing, stderr=nothing, check=False
                )
            for name in told:
                del os.environ[name]


def side_by_side_through_mps(device: str) -> Found:
    """The same through NVIDIA's MPS."""
    if device != "cuda":
        raise Unmeasurable("no GPU")
    with _mps():
        return side_by_side(device)


def cifar10_to_94_percent(device: str) -> Found:
    """Seconds of training to 94 % on CIFAR-10 by cifar10_fast, warm."""
    if not DATA_DIR:
        raise Unmeasurable("no CIFAR-10: STUDY_DATA_DIR is not set")
    rows_of(fast_recipe(device, epochs=1), device)
    runs = [rows_of(fast_recipe(device, seed=seed), device) for seed in range(3)]
    accuracy = statistics.mean(reached for _, reached in runs)
    seconds = statistics.median(sum(row["train_seconds"] for row in rows) for rows, _ in runs)
    figures = {"accuracy": accuracy, "seconds": seconds}
    holds = accuracy >= 0.94 and seconds <= 15
    return Found(holds, f"{accuracy:.4f} in {seconds:.1f} s, mean of three seeds", figures)


PUBLISHED = ("deepstudy_googlenet", "deepstudy_resnet", "flux_vgg16_resnet18", "annt_replica")


def published_rows(device: str) -> Found:
    """The first entry of each published study at its first milestone, beside what was published."""
    if not DATA_DIR:
        raise Unmeasurable("no CIFAR-10: STUDY_DATA_DIR is not set")
    if device != "cuda":
        raise Unmeasurable("no GPU: it would take hours")
    words, figures = [], {}
    for name in PUBLISHED:
        spec = load_spec(name)
        milestones = [row for row in spec.first[0].published if row.get("epoch")]
        if not milestones:
            continue
        milestone = min(milestones, key=lambda row: row.get("epoch") or 0)
        epochs = milestone.get("epoch") or 1
        tree = spec.training(spec.first_values(0)).tree(0)
        rows, accuracy = rows_of(
            type(recipe("lenet", device)).model_validate(tree | {"epochs": epochs}), device
        )
        seconds = rows[-1]["seconds"]
        figures[name] = {"epochs": epochs, "accuracy": accuracy, "seconds": seconds}
        published = milestone.get("test_accuracy")
        words.append(f"{name} {accuracy:.3f} (published {published}) in {seconds:.0f} s")
    return Found(None, "; ".join(words), figures)


PARTS: dict[str, tuple[Callable[[str], Found], str, int]] = {
    "the device": (the_device, "", 60),
    "an index out of range": (index_out_of_range, "class error, process given up", 60),
    "steps that wait": (steps_that_wait, "none", 90),
    "deterministic in a used process": (deterministic_in_a_used_process, "bit for bit", 90),
    "eight shares and a kill": (eight_shares_and_a_kill, "all fill theirs", 180),
    "out of memory": (out_of_memory, "told, then trained", 90),
    "a study of quarters": (a_study_of_quarters, "exit 0", 150),
    "compiled": (compiled, "", 120),
    "our loop over one by hand": (loop_over_one_by_hand, "each at least 0.97", 150),
    "side by side": (side_by_side, "", 150),
    "side by side through MPS": (side_by_side_through_mps, "", 150),
    "CIFAR-10 to 94 %": (cifar10_to_94_percent, "0.94 in 15 s", 150),
    "published rows": (published_rows, "", 240),
}
"""Each part, what it aims at, and the most seconds it may take: what breaks comes first."""
