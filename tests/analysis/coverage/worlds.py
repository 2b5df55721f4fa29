"""Studies whose truth is known: points with true heights, seeds with noise of a known law, and what
a driver records.

The tables are asked about such a study just as about a real one, so that what their intervals cover
and how often their verdicts are false can be counted. Events are made in memory and go through the
same history and the same tabulation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, cast

import numpy as np
import optuna

from analysis.frames import Study
from analysis.results import Results
from analysis.statistics import Array
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.history import History
from study.results.recipe_columns import recipe_columns
from study.results.tabulate import Tables, tabulate
from study.sampling.pruning import make_pruner
from study.spec.load import spec_from_tree
from study.spec.spec import StudySpec

Noise = Callable[[np.random.Generator, int], Array]

NORMAL: Noise = lambda random, size: random.normal(size=size)  # noqa: E731
SKEWED: Noise = lambda random, size: (4.0 - random.gamma(4.0, size=size)) / 2.0  # noqa: E731
"""Like accuracies near their ceiling: a tail below. Mean 0, deviation 1, skewness -1."""
HEAVY: Noise = lambda random, size: (np.exp(0.5) - random.lognormal(size=size)) / 2.161  # noqa: E731
"""The log-normal's: mean 0, deviation 1, skewness -6.2."""
HEAVY_TAILED = "heavy-tailed"
LAWS = {"normal": NORMAL, "skewed": SKEWED, HEAVY_TAILED: HEAVY}

SD = 0.01
HEIGHT = 0.6


@dataclass(eq=False)
class InMemory:
    """A study of events that lie nowhere."""

    spec: StudySpec
    events: list[dict[str, Any]] = field(default_factory=list)
    has_dropped: bool = False

    @property
    def name(self) -> str:
        return self.spec.study

    @property
    def paths(self) -> StudyPaths:
        """Where it would lie."""
        return StudyPaths(LocalPath("studies"), self.name)

    @cached_property
    def history(self) -> History:
        return History(self.events)

    @cached_property
    def tables(self) -> Tables:
        return self.all_tables if self.has_dropped else self.all_tables.without_dropped()

    def with_dropped(self) -> InMemory:
        """The study with dropped points among its tables."""
        return InMemory(self.spec, self.events, has_dropped=True)

    @cached_property
    def all_tables(self) -> Tables:
        return tabulate(self.history, self.spec)


class World:
    """Writes a study's events: points, their trials on seeds, and their outcomes."""

    def __init__(self, spec: StudySpec) -> None:
        self.spec = spec
        self.events: list[dict[str, Any]] = []
        self._trials = 0
        self._points = 0
        common = {"study": spec.study, "format": 1, "reproducible": True, "concurrency": 2}
        self._add("created", **common, seeds="whole")
        self._add("spec", version=1, hash="0", changes=[])

    def _add(self, event: str, **fields: Any) -> None:
        self.events.append({"event": event, "time": float(len(self.events)), **fields})

    def point(self, values: Mapping[str, Any], *, entry: int | None = None) -> int:
        number, self._points = self._points, self._points + 1
        origin = "sampler" if entry is None else "first"
        level = self.spec.level_of(values)
        place = {
            "point": number,
            "values": dict(values),
            "origin": origin,
            "entry": entry,
            "level": level,
        }
        self._add("asked", **place, nominal=1.0, known=True)
        return number

    def trial(
        self,
        point: int,
        seed: int,
        rows: Sequence[float],
        state: str = "COMPLETE",
        kind: str = "search",
        epoch_seconds: float | None = None,
        **summary: Any,
    ) -> None:
        """A trial with the objective's value after each epoch."""
        times = (
            {} if epoch_seconds is None else {"train_seconds": epoch_seconds, "eval_seconds": 0.0}
        )
        number, self._trials = self._trials, self._trials + 1
        place = {"point": point, "replicate": seed, "seed": seed, "attempt": 1}
        self._add("started", trial=number, **place, kind=kind, epochs=0, substitutions={})
        for epoch, value in enumerate(rows, start=1):
            metrics = {"val_accuracy": float(value), "seconds": float(epoch), **times}
            last = state == "COMPLETE" and epoch == len(rows)
            self._add("reported", trial=number, attempt=1, epoch=epoch, last=last, metrics=metrics)
        if state == "COMPLETE":
            self._add("finished", trial=number, attempt=1, stop_reason="epochs", summary=summary)
        elif state == "FAIL":
            failure = {"class": "diverged", "message": "it diverged", "details": {}}
            self._add("failed", trial=number, attempt=1, failure=failure, retry=False)
        else:
            self._add("stopped", trial=number, epoch=len(rows), by="pruner")
        self._add("ended", trial=number, state=state, epochs=len(rows))

    def tell(self, point: int, state: str = "COMPLETE", value: float | None = None) -> None:
        self._add("told", point=point, state=state, value=value)

    def whole(
        self,
        values: Mapping[str, Any],
        seeds: Sequence[float],
        *,
        entry: int | None = None,
        **more: Any,
    ) -> int:
        """A point whose seeds all run to their one epoch's end."""
        point = self.point(values, entry=entry)
        for seed, value in enumerate(seeds):
            self.trial(point, seed, [value], **more)
        self.tell(point, "COMPLETE", float(np.mean(seeds)))
        return point

    def confirm(self, point: int, seeds: Sequence[float], **more: Any) -> None:
        for seed, value in enumerate(seeds, start=1000):
            self.trial(point, seed, [value], kind="confirm", **more)

    def drop(self, point: int) -> None:
        """As a user drops a point by hand."""
        self._add("dropped", point=point)

    @property
    def results(self) -> Results:
        """The study as a user loads it, without the columns of the recipe that no table asks for:
        they cost time.
        """
        results = Results((cast(Study, InMemory(self.spec, self.events)),))
        left_out = unasked(self.spec)
        for name in ("points", "trials"):
            rows = getattr(results, name)
            results.__dict__[name] = rows[
                [column for column in rows.columns if column not in left_out]
            ]
        return results


def unasked(spec: StudySpec) -> set[str]:
    """Columns of the recipe that a study doesn't vary."""
    columns = {column.name for column in recipe_columns()}
    varied = {spec.kind.column_of(path) for path in spec.space.paths()}
    return columns - varied - {"seed", "data.validation"}


@lru_cache
def _spec(changes: str) -> StudySpec:
    import json

    return spec_from_tree(json.loads(changes))


def spec_of(**changes: Any) -> StudySpec:
    """A study file of one epoch a trial, with a continuous setting and what ``changes`` says."""
    import json

    tree: dict[str, Any] = {
        "study": "world",
        "points": 40,
        "recipe": {"epochs": 1},
        "space": {"optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}}}},
    }
    return _spec(json.dumps(tree | changes))


def lr(value: float, **more: Any) -> dict[str, Any]:
    return {"optimizer.name": "sgd", "optimizer.lr": value, **more}


def pruned_rows(curves: Array, choice: Any, spec: StudySpec) -> list[Array]:
    """What of each curve (points, epochs) the project's own pruner leaves, the points being judged
    by their number.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = make_pruner(choice, spec.objectives, curves.shape[1], by_number=True)
    kept = []
    for number, curve in enumerate(curves):
        length = len(curve)
        for epoch in range(1, len(curve)):
            if pruner.stops(number, epoch, (float(curve[epoch - 1]),)):
                length = epoch
                break
        kept.append(curve[:length])
    return kept


def confirmed_study() -> Results:
    """Point 1 is the search's best, point 2 that of fresh seeds, point 0 the baseline; point 3 was
    never confirmed.
    """
    first = [{"set": {"optimizer": {"name": "sgd", "lr": 0.1}}}]
    world = World(
        spec_of(
            replicates=2, confirm={"top": 2, "replicates": 2, "against": "first[0]"}, first=first
        )
    )
    world.whole(lr(0.1), [0.80, 0.82], entry=0)
    world.whole(lr(0.2), [0.95, 0.97])
    world.whole(lr(0.3), [0.90, 0.94])
    world.whole(lr(0.4), [0.91, 0.89])
    world.confirm(1, [0.90, 0.88])
    world.confirm(2, [0.93, 0.92])
    world.confirm(0, [0.80, 0.81])
    return world.results
