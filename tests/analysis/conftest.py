"""Studies made of events, as a driver would have written them, without training anything."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from study.files.atomic import make_folder
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.log.record_lines import encode_line
from study.journal.replay import read_history
from study.journal.spec_versions import recorded_spec, sha256_hex
from study.results.summary.making import summary_of
from study.results.summary.summary_file import write_summary

PROVENANCE = {
    "code": {"commit": "5398031b0c2d7e", "changed": True},
    "packages": {"ray-study": "0.1.0", "torch": "2.13.0"},
    "python": "3.11.2",
    "host": "here",
    "cpus": 2,
}
SPEC = """\
study: {name}
question: Does momentum help a small network on digits?
objective: {{metric: val_accuracy, direction: maximize}}
points: 40
replicates: {replicates}
resources: {{cpus: 1, gpus: 0.5}}
recipe: {{model: small_cnn, data: {{name: digits, batch_size: 64}}, epochs: 3}}
space:
  optimizer:
    one_of:
      sgd: {{lr: {{log: [1e-3, 1]}}, momentum: {{uniform: [0, 0.99]}}}}
      adam: {{lr: {{log: [1e-5, 1e-2]}}}}
  accumulation: {{choice: [1, 2]}}
"""
FIRST = """\
roles: {scientific: [optimizer.name], nuisance: [optimizer.lr, optimizer.momentum]}
first:
  - set: {optimizer: {name: adam, lr: 1e-3}, accumulation: 1}
    published:
      - {epoch: 1, val_accuracy: 0.5, seconds: 10}
      - {epoch: 3, label: "2", test_accuracy: 0.9, seconds: 40, note: one seed}
"""


class Maker:
    """Writes a study's journal event by event; the clock advances by a second with each.

    ``seeds``: ``whole`` in a study of today, nothing in one that was begun when the pruner judged
    every seed.
    """

    def __init__(
        self,
        storage: Path,
        name: str = "digits-momentum",
        spec: str | None = None,
        replicates: int = 2,
        seeds: str = "",
    ):
        self.paths = StudyPaths(LocalPath(storage), name)
        make_folder(self.paths.journal.parent)
        self.records = 0
        self.paths.spec.write_text(spec or SPEC.format(name=name, replicates=replicates) + FIRST)
        self.time = 1_790_000_000.0
        self.points = self.trials = 0
        rule = {"seeds": seeds} if seeds else {}
        self.add(event="created", study=name, format=1, reproducible=True, concurrency=2, **rule)
        digest = sha256_hex(self.paths.spec.read_bytes())
        self.add(event="spec", version=1, hash=digest, changes=[])
        self.open()

    def add(self, **event: Any) -> None:
        self.time += 1
        with self.paths.journal.open(
            "ab"
        ) as file:  # without a journal's fsync, which tests don't need
            file.write(encode_line(self.records, {"time": self.time, **event}))
        self.records += 1

    def open(self, session: int = 0) -> None:
        self.add(
            event="opened",
            session=session,
            pid=7,
            host="here",
            command="study run x",
            provenance=PROVENANCE,
        )

    def close(self, session: int = 0, reason: str = "complete") -> None:
        self.add(event="closed", session=session, reason=reason)

    def summarize(self) -> None:
        """Leave what a driver leaves at its end for those who list studies."""
        history = read_history(self.paths.journal)
        summary = summary_of(history, recorded_spec(self.paths, history))
        write_summary(self.paths, history, summary)

    def point(
        self, values: dict[str, Any], origin: str = "sampler", entry: int | None = None
    ) -> int:
        number, self.points = self.points, self.points + 1
        level = 0 if values.get("optimizer.name") == "sgd" else 1
        self.add(
            event="asked",
            point=number,
            values=values,
            origin=origin,
            entry=entry,
            level=level,
            nominal=100.0,
            known=True,
        )
        return number

    def start(self, point: int, replicate: int, kind: str = "search") -> int:
        number, self.trials = self.trials, self.trials + 1
        self.attempt(number, point, replicate, 1, kind=kind)
        return number

    def attempt(
        self, trial: int, point: int, replicate: int, attempt: int, epochs: int = 0, **more: Any
    ) -> None:
        fields = {"kind": "search", "substitutions": {}, "flags": [], **more}
        self.add(
            event="started",
            trial=trial,
            point=point,
            replicate=replicate,
            seed=replicate,
            attempt=attempt,
            epochs=epochs,
            **fields,
        )
        place = {"host": "here", "node": "n1", "pid": 9, "device": f"cuda:{trial % 2}"}
        self.add(event="placed", trial=trial, attempt=attempt, **place)

    def report(
        self, trial: int, epoch: int, accuracy: float, attempt: int = 1, **more: Any
    ) -> None:
        seconds = 5.0 if epoch == 1 else 2.0
        metrics = {
            "steps": 26 * epoch,
            "lr": 0.01,
            "train_loss": 1 - accuracy,
            "train_accuracy": accuracy,
            "val_loss": 1.1 - accuracy,
            "val_accuracy": accuracy,
            "train_seconds": seconds,
            "eval_seconds": 0.5,
            "seconds": seconds + (epoch - 1) * 2.5 + 0.5,
            "peak_memory_bytes": 1000,
        }
        self.add(
            event="reported",
            trial=trial,
            attempt=attempt,
            epoch=epoch,
            last=epoch == 3,
            metrics={**metrics, **more},
        )

    def finish(self, trial: int, attempt: int = 1, **summary: Any) -> None:
        self.add(
            event="finished", trial=trial, attempt=attempt, stop_reason="epochs", summary=summary
        )
        self.end(trial, "COMPLETE", 3)

    def end(self, trial: int, state: str, epochs: int) -> None:
        self.add(event="ended", trial=trial, state=state, epochs=epochs)

    def prune(self, trial: int, epoch: int) -> None:
        self.add(event="stopped", trial=trial, epoch=epoch, by="pruner")
        self.end(trial, "PRUNED", epoch)

    def fail(
        self, trial: int, kind: str, epochs: int = 0, attempt: int = 1, retry: bool = False
    ) -> None:
        failure = {"class": kind, "message": f"{kind} in step 3", "details": {"step": 3}}
        self.add(event="failed", trial=trial, attempt=attempt, failure=failure, retry=retry)
        if not retry:
            self.end(trial, "FAIL", epochs)

    def tell(self, point: int, state: str, value: float | None) -> None:
        self.add(event="told", point=point, state=state, value=value)

    def complete_point(
        self, values: dict[str, Any], accuracies: Sequence[float], epochs: int = 3, **asked: Any
    ) -> list[int]:
        """A point whose trials (one for each last accuracy) all run to their end."""
        point = self.point(values, **asked)
        trials = []
        for replicate, accuracy in enumerate(accuracies):
            trial = self.start(point, replicate)
            for epoch in range(1, epochs + 1):
                self.report(
                    trial, epoch, accuracy * (1 - math.exp(-epoch)) / (1 - math.exp(-epochs))
                )
            self.finish(
                trial,
                test_accuracy=accuracy - 0.01,
                test_loss=0.3,
                parameters=1234,
                loader_share=0.1,
            )
            trials.append(trial)
        self.tell(point, "COMPLETE", sum(accuracies) / len(accuracies))
        return trials


def sgd(lr: float, momentum: float, accumulation: int = 1) -> dict[str, Any]:
    return {
        "optimizer.name": "sgd",
        "optimizer.lr": lr,
        "optimizer.momentum": momentum,
        "accumulation": accumulation,
    }


def adam(lr: float, accumulation: int = 1) -> dict[str, Any]:
    return {"optimizer.name": "adam", "optimizer.lr": lr, "accumulation": accumulation}


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Maker]:
    """make(name=...) -> a study that was just opened."""

    def maker(**options: Any) -> Maker:
        return Maker(tmp_path / "studies", **options)

    return maker


@pytest.fixture
def mixed(make: Callable[..., Maker]) -> Maker:
    """A finished study with every kind of trial: complete, pruned, failed, interrupted and taken up
    again.
    """
    study = make()
    study.complete_point(adam(1e-3), [0.90, 0.92], origin="first", entry=0)
    study.complete_point(sgd(0.1, 0.9), [0.95, 0.97])
    study.complete_point(sgd(0.01, 0.5, 2), [0.85, 0.84])
    point = study.point(sgd(1.0, 0.99))
    trial = study.start(point, 0)
    study.report(trial, 1, 0.1)
    study.report(trial, 2, 0.1)
    study.prune(trial, 1)
    study.tell(point, "PRUNED", None)
    point = study.point(adam(5e-3, 2))
    study.fail(study.start(point, 0), "diverged")
    study.fail(study.start(point, 1), "out_of_memory")
    study.tell(point, "FAIL", None)
    interrupted(study)
    study.close(1)
    return study


def interrupted(study: Maker) -> None:
    """A point whose first trial is cut off by its driver's end and goes on in the next session."""
    point = study.point(adam(2e-3))
    trial = study.start(point, 0)
    study.report(trial, 1, 0.5)
    study.time += 20
    other = study.start(point, 1)
    study.close(0, "interrupted")
    study.time += 1000
    study.open(1)
    study.attempt(trial, point, 0, 2, epochs=1)
    study.report(trial, 2, 0.7, attempt=2)
    study.report(trial, 3, 0.8, attempt=2)
    study.finish(trial, attempt=2, test_accuracy=0.79)
    study.attempt(other, point, 1, 2)
    for epoch, accuracy in enumerate((0.5, 0.7, 0.9), start=1):
        study.report(other, epoch, accuracy, attempt=2)
    study.finish(other, attempt=2, test_accuracy=0.88)
    study.tell(point, "COMPLETE", 0.85)


def filled(study: Maker, points: int) -> Maker:
    """Random points with two seeds each, whose accuracy depends on lr alone."""
    draw = random.Random(0)
    for _ in range(points):
        lr = 10 ** draw.uniform(-3, 0)
        quality = 0.9 - 0.05 * (math.log10(lr) + 1.5) ** 2
        values = sgd(lr, draw.uniform(0, 0.99), draw.choice([1, 2]))
        study.complete_point(values, [quality + draw.gauss(0, 0.005) for _ in range(2)])
    study.close()
    return study


@pytest.fixture
def large(make: Callable[..., Maker]) -> Callable[..., Maker]:
    """large(points, name=...) -> a finished study of so many random points."""
    return lambda points, **options: filled(make(**options), points)


@pytest.fixture(scope="session")
def maker_class() -> type[Maker]:
    return Maker


@pytest.fixture(scope="session")
def fill() -> Callable[[Maker, int], Maker]:
    return filled
