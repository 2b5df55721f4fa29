"""A small language model as a researcher's own training: characters, dropout, shuffled batches, and
draws from every global generator.
"""

from __future__ import annotations

import random
import time
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import study

TEXT = ("the quick brown fox jumps over the lazy dog and runs into the deep dark wood. " * 12)[:800]
LENGTH = 16


class LanguageModel(nn.Module):
    def __init__(self, characters: int, width: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, width)
        self.memory = nn.GRU(width, width, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, characters)

    def forward(self, text: torch.Tensor) -> torch.Tensor:  # (B, T) -> (B, T, characters)
        states, _ = self.memory(self.dropout(self.embedding(text)))
        logits: torch.Tensor = self.head(self.dropout(states))
        return logits


def train(config: dict[str, Any], session: study.Session) -> None:
    alphabet = sorted(set(TEXT))
    codes = torch.tensor([alphabet.index(character) for character in TEXT])
    windows = codes.unfold(0, LENGTH + 1, 5)
    training, held_out = windows[:120], windows[120:]
    loader = DataLoader(TensorDataset(training), batch_size=32, shuffle=True)
    model = LanguageModel(len(alphabet), config["width"], config["dropout"]).to(session.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config["lr"])

    saved = session.restore()
    if saved:
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])

    for epoch in range(session.epoch, config["epochs"]):
        model.train()
        for (batch,) in loader:
            text = batch.clone()
            text[random.randrange(len(text)), np.random.randint(LENGTH)] = 0  # a typing error
            loss = loss_of(model, text)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            session.heartbeat()
            time.sleep(config["pause_s"])
        model.eval()
        with torch.no_grad():
            print("epoch", epoch + 1, "training", loss.item())
            session.report(
                {"perplexity": loss_of(model, held_out).exp(), "loss": loss},
                state={"model": model.state_dict(), "optimizer": optimizer.state_dict()},
            )


def loss_of(model: nn.Module, text: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(model(text[:, :-1]).transpose(1, 2), text[:, 1:])
