"""Lightning's Trainer in a study: a callback that reports each epoch, with the Trainer's own
checkpoint as its state.

>>> def train(config, session):
...     callback = StudyCallback(session)
...     trainer = L.Trainer(max_epochs=config["epochs"], callbacks=[callback])
...     trainer.fit(Model(config["lr"]), train_loader, val_loader, ckpt_path=callback.ckpt_path)

An epoch is reported when the next one begins, or training ends: only then is everything done that
belongs to it, such as what EarlyStopping counts and what a schedule makes of the epoch's metric.
What goes on from there is, on a CPU, what was never interrupted, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from study.integrations.metric_names import named_metrics
from study.integrations.resumption import find_resumption, script_mistake
from study.training.own.session import Session

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
    from lightning.pytorch.plugins.io import CheckpointIO
    from lightning.pytorch.utilities import CombinedLoader
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "study.integrations.lightning needs the package lightning: pip install"
        f" 'ray-study[lightning]' ({error})",
        name=error.name,
    ) from None

_OF_THE_SCRIPT = (
    "hyper_parameters",
    "hparams_name",
    "hparams_type",
    "datamodule_hyper_parameters",
    "datamodule_hparams_name",
    "datamodule_hparams_type",
)
"""What a checkpoint holds of the arguments, which are whatever objects the script has passed."""


class StudyCallback(Callback):  # type: ignore[misc]  # the package may not be installed
    """Reports the epochs of a ``Trainer.fit`` to the session, and takes up what was interrupted.

    A row is an epoch at whose end a validation has run, or each where there is none; its metrics
    are those that were logged (``trainer.callback_metrics``). Batches are heartbeats.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._resumption = find_resumption(session)
        self._ckpt_path = self._write_checkpoint()
        self._was_asked = False
        self._is_epoch_over = False
        """Whether an epoch has ended that isn't reported yet."""
        self._has_validated = False

    @property
    def ckpt_path(self) -> str | None:
        """For ``Trainer.fit``: the checkpoint to go on from; None where training begins."""
        self._was_asked = True
        return self._ckpt_path

    def _write_checkpoint(self) -> str | None:
        if self._resumption is None:
            return None
        path = self._session.folder / "resumed.ckpt"
        torch.save(self._resumption.state["trainer"], path)
        return str(path)

    # -- what the Trainer calls, in the order of a fit --

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        # In front of the others: what they do as an epoch begins is no part of the one before.
        trainer.callbacks.remove(self)
        trainer.callbacks.insert(0, self)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        is_given = self._was_asked and str(trainer.ckpt_path) == str(self._ckpt_path)
        if not is_given and (self._ckpt_path or not self._was_asked):
            raise script_mistake(
                "Trainer.fit must be given the argument ckpt_path=callback.ckpt_path, where"
                " callback is the StudyCallback: without it an interrupted trial can't go on"
            )
        if trainer.world_size != self._session.workers:
            raise script_mistake(
                f"a Trainer must be of {self._session.workers} process(es), as its trial is; found"
                f" {trainer.world_size}: give it devices=1"
            )
        if self._resumption:
            trainer.should_stop = self._resumption.state["should_stop"]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._resumption:
            # Metrics that aren't logged in each epoch stay until they are logged again.
            trainer.callback_metrics.update(self._resumption.state["metrics"])

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._resumption:
            resumption, self._resumption = self._resumption, None
            _set_states(_generators(trainer), resumption.state["generators"])
            resumption.restore_random_states()
            _begin_as_usual(trainer)
        self._report(trainer)

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        self._session.heartbeat()

    def on_validation_batch_end(self, *_: Any, **__: Any) -> None:
        self._session.heartbeat()

    def on_test_batch_end(self, *_: Any, **__: Any) -> None:
        self._session.heartbeat()

    def on_predict_batch_end(self, *_: Any, **__: Any) -> None:
        self._session.heartbeat()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._has_validated = not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._is_epoch_over = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._report(trainer)

    # -- a report --

    def _report(self, trainer: Trainer) -> None:
        """Report the epoch that is over, if there is one to report."""
        is_due = self._is_epoch_over and (self._has_validated or not trainer.enable_validation)
        if not is_due:
            return
        self._is_epoch_over = self._has_validated = False
        metrics = trainer.callback_metrics
        state = {
            "trainer": _checkpoint(trainer),
            "should_stop": trainer.should_stop,
            "metrics": dict(metrics),
            "generators": [generator.get_state() for generator in _generators(trainer)],
        }
        self._session.report(named_metrics(metrics), state)


def _begin_as_usual(trainer: Trainer) -> None:
    """Let the epoch begin as any does that another one has ended before: with a data iterator of
    this moment, from 2.6 on, and with its first batch, where ``max_steps`` counts.
    """
    loop = trainer.fit_loop
    loop._restarting = loop._resuming_from_checkpoint = False
    loop.epoch_loop.restarting = False


class _Catcher(CheckpointIO):  # type: ignore[misc]  # the package may not be installed
    """Takes the place of the files that a Trainer writes: keeps the checkpoint as it is."""

    def __init__(self) -> None:
        self.checkpoint: dict[str, Any] = {}

    def save_checkpoint(self, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
        self.checkpoint = checkpoint

    def load_checkpoint(self, path: Any, *_: Any, **__: Any) -> dict[str, Any]:
        return self.checkpoint

    def remove_checkpoint(self, path: Any) -> None:
        self.checkpoint = {}


def _checkpoint(trainer: Trainer) -> dict[str, Any]:
    """Return the Trainer's own checkpoint, in which the epoch that is over is the last one."""
    catcher = _Catcher()
    usual, trainer.strategy.checkpoint_io = trainer.strategy.checkpoint_io, catcher
    try:
        trainer.save_checkpoint("study.ckpt", weights_only=False)
    finally:
        trainer.strategy.checkpoint_io = usual
    checkpoint = catcher.checkpoint
    for key in _OF_THE_SCRIPT:
        checkpoint.pop(key, None)
    progress = checkpoint["loops"]["fit_loop"]["epoch_progress"]
    for counts in (progress["total"], progress["current"]):
        counts["ready"] = counts["completed"]  # the next epoch has begun only just now
    return checkpoint


def _generators(trainer: Trainer) -> list[torch.Generator]:
    """Return the generators of the data loaders' own, each once."""
    loaders = [
        *_flattened(trainer.train_dataloader),
        *_flattened(trainer.val_dataloaders),
    ]
    found = [generator for loader in loaders for generator in _own_generators(loader)]
    return list({id(generator): generator for generator in found}.values())


def _flattened(loaders: Any) -> list[Any]:
    return [] if loaders is None else list(CombinedLoader(loaders).flattened)


def _own_generators(loader: Any) -> Iterator[torch.Generator]:
    batches = getattr(loader, "batch_sampler", None)
    holders = (loader, getattr(loader, "sampler", None), batches, getattr(batches, "sampler", None))
    for holder in holders:
        generator = getattr(holder, "generator", None)
        if isinstance(generator, torch.Generator):
            yield generator


def _set_states(generators: list[torch.Generator], states: list[torch.Tensor]) -> None:
    for generator, state in zip(generators, states, strict=True):
        generator.set_state(state)
