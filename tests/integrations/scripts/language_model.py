"""A script for Hugging Face's Trainer: a small language model with dropout, shuffled."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    EarlyStoppingCallback,
    GPT2Config,
    GPT2LMHeadModel,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from study.integrations.transformers import StudyCallback
from study.training.own.session import Session

from .kills import Kills


class Killed(TrainerCallback):  # type: ignore[misc]
    def __init__(self, kills: Kills) -> None:
        self._kills = kills

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self._kills.count_batch()


def train(config: dict[str, Any], session: Session) -> None:
    texts = torch.randint(0, 50, (96, 12))
    texts[:, 1::2] = texts[:, ::2]  # what there is to learn
    data = [{"input_ids": text, "labels": text} for text in texts]
    sizes = {"n_positions": 12, "n_embd": 16, "n_layer": 1, "n_head": 2}
    model = GPT2LMHeadModel(GPT2Config(vocab_size=50, bos_token_id=0, eos_token_id=0, **sizes))
    arguments = {
        "eval_strategy": "epoch",
        "save_strategy": "no",
        "logging_strategy": "epoch",
        "per_device_train_batch_size": 10,
    }
    arguments |= config.get("arguments", {})
    is_evaluated = arguments["eval_strategy"] != "no"
    callback = StudyCallback(session)
    stopping = [EarlyStoppingCallback(2, 99)] if config.get("stops_early") else []
    trainer = Trainer(
        model,
        TrainingArguments(
            session.folder / "output",
            num_train_epochs=config["epochs"],
            learning_rate=config["lr"],
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
            **arguments,
        ),
        train_dataset=data[:80],
        eval_dataset=data[80:] if is_evaluated else None,
        callbacks=[
            callback,
            Killed(Kills(session.attempt, config.get("kills", 0))),
            *stopping,
        ],
    )
    trainer.train(resume_from_checkpoint=None if config.get("forgetful") else callback.checkpoint)
