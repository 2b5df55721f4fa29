"""A script for Lightning with what makes going on hard: dropout, shuffling, a random split, a
schedule that follows a metric, metrics of both kinds, a stop by a callback.
"""

from __future__ import annotations

from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset, random_split

from study.integrations.lightning import StudyCallback
from study.training.own.session import Session

from .kills import Kills


class Net(L.LightningModule):  # type: ignore[misc]
    def __init__(self, lr: float, monitored: str) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2))

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        images, labels = batch
        loss = functional.cross_entropy(self.layers(images), labels)
        self.log("train/loss", loss, on_epoch=True, on_step=False)
        return loss

    def validation_step(self, batch: Any, index: int) -> None:
        images, labels = batch
        scores = self.layers(images)
        self.log("val/loss", functional.cross_entropy(scores, labels))
        self.log("val/Acc", (scores.argmax(1) == labels).float().mean())

    def on_train_epoch_end(self) -> None:
        self.log("norm", sum(parameter.norm() for parameter in self.parameters()))

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
        every = self.trainer.check_val_every_n_epoch
        follows = {"scheduler": schedule, "monitor": self.hparams.monitored, "frequency": every}
        return {"optimizer": optimizer, "lr_scheduler": follows}


class Killed(Callback):  # type: ignore[misc]
    def __init__(self, kills: Kills) -> None:
        self._kills = kills

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        self._kills.count_batch()


def train(config: dict[str, Any], session: Session) -> None:
    inputs = torch.randn(160, 8)
    labels = (inputs.sum(1) + torch.randn(160) * 0.3 > 0).long()
    training, validation = random_split(TensorDataset(inputs, labels), [128, 32])
    own = torch.Generator().manual_seed(1) if config.get("own_generator") else None
    monitored = config.get("monitored", "val/loss")
    callback = StudyCallback(session)
    trainer = L.Trainer(
        max_epochs=config["epochs"],
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[
            EarlyStopping(
                monitored, patience=config.get("patience", 99), min_delta=99, strict=False
            ),
            Killed(Kills(session.attempt, config.get("kills", 0))),
            callback,
        ],
        **config.get("trainer", {}),
    )
    trainer.fit(
        Net(config["lr"], monitored),
        DataLoader(training, 16, shuffle=True, generator=own, num_workers=config.get("loaders", 0)),
        DataLoader(validation, 16),
        ckpt_path=None if config.get("forgetful") else callback.ckpt_path,
    )
