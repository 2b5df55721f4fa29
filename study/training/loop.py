"""One training of one recipe, from its first draw to its last figure.

``train`` is the seam to everything else: ``report`` is a plain callable that answers go on or stop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from study.errors import StorageFault
from study.training.best import BestBy, BestEpoch
from study.training.checkpoint import CheckpointStore, NoCheckpoints
from study.training.data.datasets import load_data_set
from study.training.data.loaders import make_loaders
from study.training.metrics import Running, evaluate
from study.training.models.airbench import fit_whitening
from study.training.models.factory import build_for_recipe
from study.training.optim.loss import Loss, Watch
from study.training.optim.optimizers import make_optimizer, rates
from study.training.optim.precision import Arithmetic
from study.training.optim.schedules import LearningRate
from study.training.optim.update import gradients
from study.training.recipe.recipe import Recipe
from study.training.runtime.device import (
    memory_figures,
    peak_memory_bytes,
    release_memory,
    reset_peak_memory,
    resolve_device,
    synchronized_time,
)
from study.training.runtime.failures import Stopped, TrainingFailure, classify
from study.training.runtime.randomness import (
    derive_seed,
    isolated_torch,
    random_states,
    restore_random_states,
)
from study.training.stopping import Length, Reason
from study.training.summary import Scalar, summary_of

Row = dict[str, float | int | str]
Report = Callable[[Row], bool]


@dataclass(frozen=True)
class Outcome:
    """Why a training ended, and its figures as a whole."""

    stop_reason: Reason
    summary: Mapping[str, Scalar]


def train(
    recipe: Recipe,
    *,
    device: str | torch.device = "cpu",
    report: Report,
    checkpoint: CheckpointStore | None = None,
    data_dir: str | Path | None = None,
    reported: int = 0,
    heartbeat: Callable[[], None] = lambda: None,
    best_by: BestBy | None = None,
) -> Outcome:
    """Train ``recipe`` on one device; go on from the newest checkpoint where there is one.

    ``report`` gets each epoch's row once its checkpoint is durable, with ``last`` telling whether
    the training has come to its own end, and answers whether to go on. ``reported`` is the number
    of epochs whose rows the caller already has: those are not reported, and rows that only the
    checkpoint has are reported first. ``heartbeat`` is called at each step and may raise
    ``Stopped``. With ``best_by`` the checkpoints also hold the weights of the best epoch so far,
    and the test figures are that epoch's; training itself goes on from the last. Any other
    exception becomes a ``TrainingFailure``, and the device's memory is free again when it is
    raised. Not for several threads of a process at once: torch's random state and switches belong
    to the process.
    """
    place = torch.device("cpu")
    try:
        place = resolve_device(device)
        with isolated_torch(recipe, place):
            store, best = checkpoint or NoCheckpoints(), BestEpoch(best_by)
            outcome = _training(recipe, place, report, store, data_dir, reported, heartbeat, best)
        if place.type == "cuda":
            release_memory(place)  # others may share the GPU
        return outcome
    except (Stopped, StorageFault):
        raise
    except Exception as error:
        failure = classify(error)
        if failure.failure_class == "out_of_memory":
            failure.details = (
                memory_figures(place) | failure.details
            )  # what the message says is of its very moment
    # The exception is gone here, and with it the frames that held on to tensors.
    release_memory(place)
    raise failure


def _training(
    recipe: Recipe,
    device: torch.device,
    report: Report,
    checkpoint: CheckpointStore,
    data_dir: str | Path | None,
    reported: int,
    heartbeat: Callable[[], None],
    best: BestEpoch,
) -> Outcome:
    data = load_data_set(recipe.data, data_dir)
    sets = make_loaders(recipe, data, device)
    torch.manual_seed(derive_seed(recipe.seed, "model"))
    model = build_for_recipe(recipe, data.image_shape, data.classes).to(
        device, memory_format=sets.memory_format
    )  # type: ignore[call-overload]
    fit_whitening(model, sets.train.epoch(1))
    forward = torch.compile(model) if recipe.execution.mode == "compile" else model
    loss, watch = Loss(recipe.loss, model), Watch(device)
    arithmetic = Arithmetic(recipe.precision, device)
    optimizer = make_optimizer(recipe.optimizer, model)
    mirrored = recipe.data.eval_mirrored
    learning_rate, length = LearningRate(recipe, len(sets.train)), Length(recipe)
    epoch, step, seconds, history = 0, 0, 0.0, list[Row]()
    torch.manual_seed(derive_seed(recipe.seed, "dropout"))

    if state := checkpoint.latest():
        if state["data"] != sets.fingerprint:
            raise TrainingFailure(
                "data", f"must be the same on resuming: {sets.fingerprint}; was {state['data']}", {}
            )
        epoch, step, seconds, history = (
            state["epoch"],
            state["step"],
            state["seconds"],
            state["history"],
        )
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        arithmetic.load_state_dict(state["arithmetic"])
        learning_rate.load_state_dict(state["learning_rate"])
        length.load_state_dict(state["length"], epoch)
        best.load_state_dict(state)
        restore_random_states(state["random"], device)
    for row in history[reported:]:
        if not report(row | {"last": row is history[-1] and length.reason is not None}):
            length.stop()

    started = synchronized_time(device) - seconds
    while length.reason is None:
        epoch += 1
        if recipe.optimizer.recreate_each_epoch:
            optimizer = make_optimizer(recipe.optimizer, model)
        model.train()
        reset_peak_memory(device)
        running, begun = Running(device), synchronized_time(device)
        for images, labels in sets.train.epoch(epoch):
            learning_rate.set(optimizer, step)
            losses = gradients(forward, loss, arithmetic, images, labels, recipe.micro_batch_size)
            norm = arithmetic.update(optimizer, recipe.clip)
            optimizer.zero_grad()
            step += 1
            running.see(losses, labels, norm)
            watch.see(step, losses.total)
            heartbeat()
            if length.after_step(step, losses.total, time.perf_counter() - started):
                break
        watch.look()
        trained = synchronized_time(device)
        model.eval()
        validated = evaluate(
            forward, sets.validation.epoch(epoch), arithmetic, heartbeat, mirrored=mirrored
        )
        evaluated = synchronized_time(device)
        watch.judge(step, validated["loss"])

        seconds = evaluated - started
        row = {
            "epoch": epoch,
            "steps": step,
            **rates(optimizer),
            **running.row(),
            **_named(validated, recipe),
        }
        row |= {
            "train_seconds": trained - begun,
            "eval_seconds": evaluated - trained,
            "seconds": seconds,
        }
        row |= {"images_per_second": running.images / (trained - begun)}
        row |= {"peak_memory_bytes": peak_memory_bytes(device), "skipped_steps": arithmetic.skipped}
        history = [*history, row]
        learning_rate.after_epoch(row)
        length.after_epoch(epoch, row)
        best.update(epoch, row, model)
        state = {
            "epoch": epoch,
            "step": step,
            "seconds": seconds,
            "history": history,
            "data": sets.fingerprint,
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "arithmetic": arithmetic.state_dict(),
            "learning_rate": learning_rate.state_dict(),
            "length": length.state_dict(),
            "random": random_states(device),
            **best.state_dict(),
        }
        checkpoint.save(epoch, state)
        if epoch > reported and not report(row | {"last": length.reason is not None}):
            length.stop()

    model.eval()
    stopped = (
        length.reason == "stopped"
    )  # not the end of this training: what the test set says would mean nothing
    tested = best.epoch if not stopped and best.load_into(model) else epoch
    test = (
        {}
        if stopped
        else evaluate(forward, sets.test.epoch(epoch), arithmetic, heartbeat, mirrored=mirrored)
    )
    summary = summary_of(recipe, model, device, arithmetic, sets.fingerprint, history, test, tested)
    return Outcome(length.reason, summary)


def _named(validated: Mapping[str, float], recipe: Recipe) -> dict[str, float]:
    """Validation figures as a row has them; where the test set validates, under its name too."""
    figures = {name: validated[name] for name in ("loss", "accuracy", "f1")}
    sources = ("val", "test") if recipe.data.validation == "test" else ("val",)
    return {f"{source}_{name}": value for source in sources for name, value in figures.items()}
