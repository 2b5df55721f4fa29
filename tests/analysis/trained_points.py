"""Points that were trained as a test wants it, written into a study's journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

ADAM = {"optimizer.name": "adam", "optimizer.lr": 1e-3, "accumulation": 1}


def trained(
    study: Any, curves: Sequence[Sequence[float]], ends: Sequence[str], **asked: Any
) -> int:
    """A point whose seeds have these curves and ends; it has a value where one seed is COMPLETE."""
    point = int(study.point(asked.pop("values", ADAM), **asked))
    done = []
    for replicate, (curve, end) in enumerate(zip(curves, ends, strict=True)):
        trial = study.start(point, replicate)
        for epoch, accuracy in enumerate(curve, start=1):
            study.report(trial, epoch, accuracy)
        if end == "COMPLETE":
            study.finish(
                trial, test_accuracy=curve[-1], data_fingerprint="5bec: train 100, val 20, test 360"
            )
            done.append(curve[-1])
        elif end == "PRUNED":
            study.prune(trial, len(curve))
        elif end == "FAIL":
            study.fail(trial, "diverged", len(curve))
    if "RUNNING" not in ends:
        study.tell(point, "COMPLETE" if done else "FAIL", sum(done) / len(done) if done else None)
    return point
