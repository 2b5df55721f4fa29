"""One training of one recipe, from its first draw to its last figure.

``train`` is what the rest of the project calls, ``_training`` the loop itself, and
``TrainingState`` what a checkpoint holds of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn

from study.errors import StorageFault
from study.training.best import BestBy, BestEpoch
from study.training.checkpoint import CheckpointState, CheckpointStore, Pace, Saving
from study.training.data.datasets import DataSet, check_same_images, load_data_set
from study.training.data.image_facts import ImageFacts
from study.training.data.loaders import Loaders, make_loaders
from study.training.epoch_row import EpochRow, validation_columns
from study.training.metrics import RunningMeans, evaluate
from study.training.models.airbench import fit_whitening
from study.training.models.factory import build_for_recipe
from study.training.models.shared.fresh_statistics import (
    FIGURE,
    deserves_second_look,
    with_fresh_statistics,
)
from study.training.models.shared.model import share_model
from study.training.optim.averaging import evaluated_weights
from study.training.optim.divergence import DivergenceWatch
from study.training.optim.loss import LossFunction
from study.training.optim.optimizers import load_optimizer_state, make_optimizer
from study.training.optim.param_groups import learning_rates
from study.training.optim.precision import MixedPrecision
from study.training.optim.schedules import LearningRate
from study.training.optim.shared_gradients import level_statistics, make_gradients
from study.training.recipe.recipe import Recipe
from study.training.runtime.device import (
    is_memory_short,
    memory_figures,
    peak_memory_bytes,
    release_memory,
    reset_peak_memory,
    resolve_device,
    synchronized_time,
)
from study.training.runtime.failures import Stopped, TrainingFailure, classify
from study.training.runtime.progress import TrainingProgress
from study.training.runtime.randomness import (
    isolated_process_state,
    random_states,
    restore_random_states,
    seed_everything,
)
from study.training.runtime.reading import reading_for
from study.training.runtime.team.draws import PlacedDraws
from study.training.runtime.team.team import Alone, Team
from study.training.stopping import StopRules
from study.training.summary import Outcome, summarize_training

_ALONE = Alone()


def train(
    recipe: Recipe,
    *,
    device: str | torch.device = "cpu",
    report: Callable[[EpochRow], bool],
    checkpoint: CheckpointStore | None = None,
    data_dir: str | Path | None = None,
    reported: int = 0,
    repeated: Callable[[EpochRow], None] = lambda row: None,
    heartbeat: Callable[[], None] = lambda: None,
    best_by: BestBy | None = None,
    data_hash: str = "",
    run: str = "",
    progress: TrainingProgress | None = None,
    pace: Pace | None = None,
    team: Team = _ALONE,
) -> Outcome:
    """Train ``recipe`` on one device, from the newest checkpoint where there is one.

    ``report`` gets each epoch's row, with ``last`` telling whether the training has come to its own
    end, and answers whether to go on. The state is saved as often as ``pace`` says (without one
    after each epoch) and at the end. ``reported`` epochs are known already: ``repeated`` gets those
    that are trained again; rows that the checkpoint alone has come first. ``heartbeat`` is called
    at each step and may raise Stopped. With ``best_by`` the test figures are those of the best
    epoch, whose weights the checkpoints hold, too. ``data_hash`` is that of the others' images.
    ``run`` names the study's run, whose trials share what an own data set's factory returns. Each
    of several workers of a ``team`` calls this; the first one reports and saves for all.

    Stopped and StorageFault pass through; any other exception becomes a TrainingFailure, the
    device's memory being free again. Not for several threads of a process at once.
    """
    used_device = torch.device("cpu")
    try:
        used_device = resolve_device(device)
        with (
            isolated_process_state(recipe, used_device),
            Saving(checkpoint if team.place.is_first else None, used_device, pace) as saving,
        ):
            outcome = _training(
                recipe,
                used_device,
                report=report,
                saving=saving,
                data_dir=data_dir,
                reported=reported,
                repeated=repeated,
                heartbeat=heartbeat,
                best=BestEpoch(best_by),
                data_hash=data_hash,
                run=run,
                progress=progress or TrainingProgress(),
                team=team,
            )
        if used_device.type == "cuda":
            release_memory(used_device)  # others may share the GPU
        return outcome
    except (Stopped, StorageFault) as error:
        ended: BaseException = error.with_traceback(None)
    except Exception as error:
        failure = classify(error, partial(is_memory_short, used_device))
        if failure.failure_class == "out_of_memory":
            failure.details = memory_figures(used_device) | failure.details  # whose own win
        ended = failure
    release_memory(used_device)  # the frames that held on to tensors are gone
    raise ended


def _training(
    recipe: Recipe,
    device: torch.device,
    *,
    report: Callable[[EpochRow], bool],
    saving: Saving,
    data_dir: str | Path | None,
    reported: int,
    repeated: Callable[[EpochRow], None],
    heartbeat: Callable[[], None],
    best: BestEpoch,
    data_hash: str,
    run: str,
    progress: TrainingProgress,
    team: Team,
) -> Outcome:
    spec = recipe.data
    data = load_data_set(spec, data_dir, reading_for(progress, heartbeat, run))
    check_same_images(data, data_hash)
    loaders = make_loaders(recipe, data, device, team.place)
    progress.enter("building the model")
    state = TrainingState(recipe, data, loaders, device, best, team)
    model, precision, stop_rules = state.model, state.precision, state.stop_rules
    compiled = torch.compile if recipe.execution.mode == "compile" else _as_it_is
    judged = state.weights.model  # the model itself, where nothing is averaged
    forward = compiled(model)
    judge = forward if judged is model else compiled(judged)
    gradients = make_gradients(
        team, model, forward, LossFunction(recipe.loss, model), precision, state.draws
    )
    divergence = DivergenceWatch(device)
    evaluation = partial(
        evaluate,
        judge,
        precision,
        heartbeat,
        mirrored=spec.eval_mirrored,
        named=recipe.metrics,
        team=team,
    )

    def goes_on(row: EpochRow) -> bool:
        """Report a row, as the first worker does for all."""
        return team.agree(report(row) if team.place.is_first else True)

    if checkpoint := team.hand_out(saving.latest()):
        state.load_state_dict(checkpoint)
    row: EpochRow
    for row in state.history[reported:]:
        if not goes_on(row | {"last": stop_rules.reason is not None and row is state.history[-1]}):
            stop_rules.stop()

    started = synchronized_time(device) - state.seconds
    while stop_rules.reason is None:
        # Train for an epoch.
        state.begin_epoch()
        progress.begin_epoch(state.epoch, len(loaders.train), compiles=forward is not model)
        model.train()
        reset_peak_memory(device)
        means, epoch_started = RunningMeans(team), synchronized_time(device)
        for number, (images, labels) in enumerate(loaders.train.epoch(state.epoch)):
            count = loaders.images_of(number) if team.place.workers > 1 else len(labels)
            state.learning_rate.set(state.optimizer, state.step)
            losses = gradients.accumulate(  # scalars, and logits of (B, classes)
                images, labels, count, recipe.micro_batch_size
            )
            gradient_norm = precision.step(state.optimizer, recipe.clip)
            state.optimizer.zero_grad()
            state.weights.update()
            state.step += 1
            means.add(losses, labels, gradient_norm, count)
            divergence.add(state.step, losses.total)
            progress.add_step(count)
            heartbeat()
            seconds = time.perf_counter() - started
            if recipe.seconds:
                seconds = team.agree(seconds)
            if stop_rules.after_step(state.step, losses.total, seconds):
                break
        divergence.check()
        level_statistics(team, [model] if judged is model else [model, judged])
        trained = synchronized_time(device)

        # Evaluate.
        progress.enter("evaluating")
        judged.eval()
        metrics = evaluation(loaders.validation.epoch(state.epoch))
        evaluated = synchronized_time(device)
        divergence.check_validation(state.step, metrics["loss"])
        state.seconds = evaluated - started
        row = {
            "epoch": state.epoch,
            "steps": state.step,
            **learning_rates(state.optimizer),
            **means.columns(),
            **validation_columns(
                metrics, by_test_set=spec.validation == "test", named=recipe.metrics
            ),
            "train_seconds": trained - epoch_started,
            "eval_seconds": evaluated - trained,
            "seconds": state.seconds,
            "images_per_second": means.images / (trained - epoch_started),
            "peak_memory_bytes": peak_memory_bytes(device),
            "skipped_steps": precision.skipped_steps,
        }

        # Is validation far below training because batch norms' statistics lag behind?
        row = team.agree(row)
        if team.place.workers == 1 and deserves_second_look(row, state.history, judged):
            again = partial(evaluation, loaders.validation.epoch(state.epoch))
            batches = loaders.train.epoch(state.epoch)
            fresh = with_fresh_statistics(judged, precision, heartbeat, batches, again)
            row[FIGURE] = fresh["accuracy"]

        # Save, report, stop?
        progress.enter("saving")
        state.end_epoch(row)
        if stop_rules.reason is None:
            saving.offer(state.epoch, state.state_dict)
        else:
            saving.complete(state.epoch, state.state_dict)
        if state.epoch <= reported:
            repeated(row)
        elif not goes_on(row | {"last": stop_rules.reason is not None}):
            stop_rules.stop()

    saving.complete(state.epoch, state.state_dict)

    # Test, unless somebody else ended it: before its own end test metrics mean nothing.
    progress.enter("testing")
    judged.eval()
    tested, tested_epoch = dict[str, float](), state.epoch
    if stop_rules.reason != "stopped" and len(loaders.test):
        tested_epoch = best.epoch if best.load_into(judged) else state.epoch
        tested = evaluation(loaders.test.epoch(state.epoch))
    summary = summarize_training(
        recipe, model, device, precision, loaders.fingerprint, state.history, tested, tested_epoch
    )
    return Outcome(stop_rules.reason, {**summary, **loaders.facts(data)})


def _as_it_is(model: nn.Module) -> nn.Module:
    return model


class TrainingState:
    """All of a training that changes from step to step: its ``state_dict`` is the checkpoint."""

    def __init__(
        self,
        recipe: Recipe,
        data: DataSet,
        loaders: Loaders,
        device: torch.device,
        best: BestEpoch,
        team: Team,
    ) -> None:
        self._device = device
        self._data_fingerprint = loaders.fingerprint
        self._images = ImageFacts.of(data, loaders.normalization)
        self._optimizer_spec = recipe.optimizer
        self.epoch = 0
        """The newest epoch, from 1."""
        self.step = 0
        """Updates done."""
        self.seconds = 0.0
        """From the training's start to the end of the newest epoch, interruptions left out."""
        self.history: list[EpochRow] = []
        seed_everything(recipe.seed, "model")
        model = build_for_recipe(recipe, data.image_shape, data.classes)
        self.model: nn.Module = model.to(device, memory_format=loaders.memory_format)  # type: ignore[call-overload]
        fit_whitening(self.model, loaders.first_batches())
        self.draws = PlacedDraws()
        if team.place.workers > 1:
            self.model = share_model(self.model, recipe.model, team, self.draws)
        self.optimizer = make_optimizer(recipe.optimizer, self.model)
        self.weights = evaluated_weights(self.model, recipe.ema)
        self.precision = MixedPrecision(recipe.precision, device)
        self.learning_rate = LearningRate(recipe, steps_per_epoch=len(loaders.train))
        self.stop_rules = StopRules(recipe)
        self.best = best
        seed_everything(recipe.seed, "dropout")

    def begin_epoch(self) -> None:
        """Go on to the next epoch, with a new optimizer where the recipe says so."""
        self.epoch += 1
        if self._optimizer_spec.recreate_each_epoch:
            self.optimizer = make_optimizer(self._optimizer_spec, self.model)

    def end_epoch(self, row: EpochRow) -> None:
        """Let everything that follows the figures of an epoch take notice of them."""
        self.history = [*self.history, row]
        self.learning_rate.after_epoch(row)
        self.stop_rules.after_epoch(self.epoch, row)
        self.best.update(self.epoch, row, self.weights.model)

    def state_dict(self) -> CheckpointState:
        return {
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self.seconds,
            "history": self.history,
            "data": self._data_fingerprint,
            "images": self._images.to_state(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "arithmetic": self.precision.state_dict(),
            "learning_rate": self.learning_rate.state_dict(),
            "length": self.stop_rules.state_dict(),
            "random": random_states(self._device),
            **self.weights.state_dict(),  # "ema", where weights are averaged
            **self.best.state_dict(),  # "best", where there is one
        }

    def load_state_dict(self, state: CheckpointState) -> None:
        """Go on from a checkpoint; one made with other images is a failure of class ``data``."""
        if state["data"] != self._data_fingerprint:
            fault = f"must be the same on resuming: {self._data_fingerprint}; was {state['data']}"
            raise TrainingFailure("data", fault, {})
        self.epoch = state["epoch"]
        self.step = state["step"]
        self.seconds = state["seconds"]
        self.history = state["history"]
        self.model.load_state_dict(state["model"])
        load_optimizer_state(self.optimizer, state["optimizer"])
        self.precision.load_state_dict(state["arithmetic"])
        self.learning_rate.load_state_dict(state["learning_rate"])
        self.stop_rules.load_state_dict(state["length"], self.epoch)
        self.weights.load_state_dict(state)
        self.best.load_state_dict(state)
        restore_random_states(state["random"], self._device)
