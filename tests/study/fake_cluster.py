"""An executor without Ray or torch: workers that take random times and report a known curve."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from typing import Any

from study.controller.controller import Controller
from study.controller.next_work import Assignment, NothingLeft
from study.journal.events import SessionOpened
from study.journal.failure import Failure
from study.journal.history import FORMAT
from study.spec.load import spec_from_tree
from study.spec.spec import StudySpec

Curve = Callable[[dict[str, Any], int], dict[str, Any]]


class Killed(Exception):
    """The driver died here."""


def curve(recipe: dict[str, Any], epoch: int) -> dict[str, Any]:
    """Accuracy rises to a height that depends on the learning rate (best at 0.1), the optimizer and
    the seed.
    """
    optimizer = recipe["optimizer"]
    height = (
        0.9
        - 0.1 * abs(math.log10(optimizer["lr"]) + 1)
        - (0.02 if optimizer["name"] == "adam" else 0)
    )
    noise = random.Random(f"{optimizer['lr']:.6g} {recipe['seed']} {epoch}").gauss(0, 0.01)
    return {
        "val_accuracy": height * (1 - math.exp(-epoch / 3)) + noise,
        "val_loss": 1 / epoch,
        "seconds": 1.0 * epoch,
    }


class Storage:
    """A journal in memory that can die after any write."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.writes = 0
        self.die_after: int | None = None

    def append(self, *events: Any) -> None:
        self.events.extend(dict(event) for event in events)
        self.writes += 1
        if self.die_after is not None and self.writes >= self.die_after:
            raise Killed


def small_spec(**changes: Any) -> StudySpec:
    tree = {
        "study": "fake",
        "points": 12,
        "concurrency": 2,
        "pruner": {"name": "asha", "min_epochs": 1, "reduction": 2},
        "recipe": {"epochs": 6},
        "space": {
            "optimizer": {
                "one_of": {
                    "sgd": {"lr": {"log": [1e-3, 1]}},
                    "adam": {"lr": {"log": [1e-4, 1]}, "beta1": 0.9},
                }
            },
        },
    }
    tree["space"]["optimizer"]["one_of"]["adam"].pop("beta1")
    return spec_from_tree(tree | changes)


def controller_on(storage: Storage, spec: StudySpec, **options: Any) -> Controller:
    """A controller that has taken up all that the storage holds, as a new driver does.

    An empty storage becomes that of a new study, with ``seeds="survivors"`` of one under the old
    rule, and with ``start="drawn"`` of one whose sampler drew its first points.
    """
    seeds = options.pop("seeds", "whole")
    start = options.pop("start", "spread" if seeds == "whole" else "drawn")
    if not storage.events:
        storage.append(
            {
                "event": "created",
                "study": spec.study,
                "format": FORMAT,
                "reproducible": spec.reproducible,
                "concurrency": spec.concurrency,
                "seeds": seeds,
                "start": start,
                "time": 0.0,
            }
        )
    controller = Controller(
        spec,
        storage.append,
        workers=spec.concurrency or 2,
        nominal_cost=options.pop(
            "nominal_cost", lambda recipe: 1.0 if recipe.optimizer.name == "sgd" else 1.5
        ),
        reproducible=spec.reproducible,
        **options,
    )
    controller.replay(storage.events)
    controller.record(SessionOpened(session=1, pid=1, host="here", command="test", provenance={}))
    controller.take_up()
    return controller


def drive(
    controller: Controller,
    *,
    workers: int = 2,
    seed: int = 0,
    jitter: float = 0.7,
    curve: Curve = curve,
    checkpoints: dict[int, int] | None = None,
    hurt: Callable[[Assignment, int], Failure | None] = lambda assignment, epoch: None,
    pace: Callable[[Assignment], float] = lambda assignment: 1.0,
    thinks: Callable[[], bool] = lambda: False,
    makes_way: Callable[[Assignment, int], bool] = lambda assignment, epoch: False,
) -> float:
    """Run the controller's assignments on workers whose epochs take random times; ``hurt`` may fail
    an epoch.

    Before a worker is heard, the driver thinks ahead where ``thinks`` says so. A trial that goes on
    is set aside after an epoch where ``makes_way`` says so.

    ``checkpoints`` holds the newest epoch that each trial has on disk; it outlives the driver. An
    epoch takes ``pace`` seconds, times a random factor. Gives the seconds that the study took on
    this cluster.
    """
    clock = random.Random(seed)
    checkpoints = {} if checkpoints is None else checkpoints
    queue: list[tuple[float, int, Assignment, int]] = []
    now, order = 0.0, 0
    while True:
        while len(queue) < workers and isinstance(assignment := controller.next(), Assignment):
            order += 1
            first = min(checkpoints.get(assignment.trial, 0), assignment.epochs_reported) + 1
            if first > assignment.recipe["epochs"]:
                controller.finished(
                    assignment.trial, assignment.attempt, "epochs", {"parameters": 10}
                )
                continue
            heapq.heappush(
                queue,
                (
                    now + pace(assignment) * clock.lognormvariate(0, jitter),
                    order,
                    assignment,
                    first,
                ),
            )
        if not queue:
            assert isinstance(assignment, NothingLeft) or controller.stopping, (
                "nothing runs and nothing can start"
            )
            return now
        if thinks():
            controller.think_ahead()
        now, _, assignment, epoch = heapq.heappop(queue)
        trial, attempt = assignment.trial, assignment.attempt
        if not controller.is_wanted(trial, attempt):
            continue
        failure = hurt(assignment, epoch)
        if failure:
            controller.failed(trial, attempt, failure)
            continue
        last = epoch >= assignment.recipe["epochs"]
        checkpoints[trial] = max(epoch, checkpoints.get(trial, 0))
        row = {
            "epoch": epoch,
            "last": last,
            **curve({**assignment.recipe, "point": assignment.point}, epoch),
        }
        if not controller.reported(trial, attempt, row):
            continue
        if last:
            controller.finished(trial, attempt, "epochs", {"parameters": 10})
            continue
        if epoch == assignment.until or makes_way(assignment, epoch):
            controller.set_aside(trial, attempt, epoch, "share")
            continue
        order += 1
        heapq.heappush(
            queue,
            (
                now + pace(assignment) * clock.lognormvariate(0, jitter),
                order,
                assignment,
                epoch + 1,
            ),
        )


def outcome(controller: Controller) -> list[tuple[Any, ...]]:
    """What a study amounts to: each point's values and outcome, each trial's state and rows."""
    return [
        (
            point.number,
            point.values,
            point.state,
            point.value,
            [
                (replicate, trial.state, [row["val_accuracy"] for row in trial.rows])
                for replicate, trial in sorted(point.trials.items())
            ],
        )
        for point in controller.history.points
    ]
