"""Trainings by the library whose figures were published, a file of JSON lines for each seed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pandas as pd

from .cuts import Cut

FIGURES = {
    "accuracy": "train_accuracy",
    "loss": "train_loss",
    "val_accuracy": "test_accuracy",
    "val_loss": "test_loss",
}
"""What Keras calls the figures of a line, and what they are called here."""


def lines_of(cut: Cut, storage: Path, seed: int) -> Path:
    """The file of one seed's epochs: it is there whole or not at all."""
    return storage / "originals" / f"{cut.name}-seed-{seed}.jsonl"


def run_original(cut: Cut, storage: Path, python: Path, data_dir: Path) -> None:
    """Have the original train each of the cut's seeds that is not yet there, one core a training.

    ``python`` is that of an environment with the original's packages.
    """
    script = Path(__file__).with_name(cut.original)
    for seed in range(cut.seeds):
        lines = lines_of(cut, storage, seed)
        if lines.is_file():
            continue
        lines.parent.mkdir(parents=True, exist_ok=True)
        unfinished = lines.with_suffix(".unfinished")
        command = [str(python), str(script), str(data_dir), str(seed), str(cut.epochs)]
        one_core = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
        with unfinished.open("w") as told:
            subprocess.run(command, check=True, stdout=told, env=os.environ | one_core)
        unfinished.replace(lines)


def original_rows(cut: Cut, storage: Path) -> pd.DataFrame:
    """The epochs of the original's trainings: ``seed``, ``epoch``, and figures by our names."""
    rows = []
    for seed in range(cut.seeds):
        lines = lines_of(cut, storage, seed)
        if lines.is_file():
            rows += [json.loads(line) for line in lines.read_text().splitlines()]
    columns = ["seed", "epoch", *FIGURES]
    return pd.DataFrame(rows, columns=columns).rename(columns=FIGURES)
