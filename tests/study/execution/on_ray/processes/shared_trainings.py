"""Training functions that several workers run."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import torch
from torch import distributed, nn

import study


def averaging(config: dict[str, Any], session: study.Session) -> None:
    """A regression, whose batch the workers share by hand."""
    generator = torch.Generator().manual_seed(7)
    inputs = torch.randn(24, 5, generator=generator, dtype=torch.float64)
    wanted = inputs.sum(1, keepdim=True).sin()
    model = nn.Linear(5, 1, dtype=torch.float64)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    saved = session.restore()
    if saved:
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
    (session.folder / "mine").write_text(str(session.rank))
    print(f"I am {session.rank} of {session.workers}")
    for _ in range(session.epoch, config["epochs"]):
        mine = slice(session.rank, None, session.workers)
        loss = (model(inputs[mine]) - wanted[mine]).square().sum() / len(inputs)
        optimizer.zero_grad()
        loss.backward()
        total = loss.detach().clone()
        if session.workers > 1:
            distributed.all_reduce(total)
            for parameter in model.parameters():
                distributed.all_reduce(parameter.grad)
        optimizer.step()
        metrics = {"loss": float(total) + session.rank, "weight": model.weight[0, 0].item()}
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        session.report(metrics, state=state if session.rank == 0 else None)


def one_fails(config: dict[str, Any], session: study.Session) -> None:
    """Its second worker ends in its own way, while the first one waits for it."""
    session.report({"loss": 1.0})
    if session.rank == 1:
        if config["how"] == "raise":
            raise ValueError("the second one's own mistake")
        if config["how"] == "memory":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        if config["how"] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        session.heartbeat()
        time.sleep(3600)
    session.heartbeat()
    distributed.barrier()


def swallows(config: dict[str, Any], session: study.Session) -> None:
    """Says with a file that its second worker was told to stop."""
    try:
        while True:
            session.report({"loss": 1.0})
    except study.Stopped:
        with open(f"{config['folder']}/stopped-{session.rank}", "w"):
            raise
