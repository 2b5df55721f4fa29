"""Trains recipes with several numbers of workers, in processes that are forked here.

``python -m tests.study.training.team_trainings`` reads cases as JSON, and writes for each what the
first worker and the others have come to.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import study.training.loop as loop
from study.files.storage_uri import storage_path
from study.training.checkpoint import Checkpoints
from study.training.recipe.recipe import parse_recipe
from study.training.runtime.team.joining import find_meeting_point, join, open_meeting_point
from study.training.runtime.team.place import Place
from study.training.runtime.team.team import Alone, Team

HOST = "127.0.0.1"
TIMEOUT_S = 120.0


class Double(nn.Module):
    """A network in double precision, for images of single precision."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.double()

    def forward(self, images: Tensor) -> Any:
        return self.network(images.double())


def run_team(workers: int, work: Any) -> Any:
    """Do ``work``, a function of a team, in as many processes; return what each returns, by rank.

    With one worker there is no process but this one.
    """
    if workers == 1:
        return [work(Alone())]
    ends, children = [], []
    listening = open_meeting_point(HOST, workers, TIMEOUT_S)
    for rank in range(workers):
        ours, theirs = socket.socketpair()
        child = os.fork()
        if child == 0:
            ours.close()
            _work(Place(rank, workers), listening.port, work, theirs)
        theirs.close()
        ends.append(ours)
        children.append(child)
    answers = [json.loads(_all_of(end)) for end in ends]
    for child in children:
        os.waitpid(child, 0)
    for answer in answers:
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError("\n".join(str(each) for each in answers))
    return answers


def _work(place: Place, port: int, work: Any, answer: socket.socket) -> None:
    try:
        torch.set_num_threads(1)
        store = find_meeting_point((HOST, port), place, TIMEOUT_S)
        said = work(join(store, place, torch.device("cpu"), HOST, TIMEOUT_S))
    except BaseException:
        said = {"error": traceback.format_exc()}
    answer.sendall(json.dumps(said).encode())
    answer.close()
    os._exit(0)


def _all_of(end: socket.socket) -> bytes:
    parts = []
    while part := end.recv(2**20):
        parts.append(part)
    return b"".join(parts)


def trained(case: dict[str, Any], team: Team) -> dict[str, Any]:
    """Train a case's recipe; return its rows, and its weights where it is the first worker."""
    recipe, faults = parse_recipe(case["recipe"])
    assert recipe is not None, faults
    build = loop.build_for_recipe
    if case.get("double"):
        loop.build_for_recipe = lambda *parts: Double(build(*parts))
    rows: list[Any] = []
    checkpoint = Checkpoints(storage_path(case["folder"]))

    def report(row: Any) -> bool:
        rows.append(row)
        return len(rows) < case.get("stop_after", 1000)

    try:
        outcome = loop.train(recipe, report=report, checkpoint=checkpoint, team=team)
    finally:
        loop.build_for_recipe = build
    weights: list[float] = []
    if team.place.is_first:
        state = checkpoint.latest()
        assert state is not None
        for tensor in state["model"].values():
            weights += tensor.double().flatten().tolist()
    return {
        "reason": outcome.stop_reason,
        "rows": rows,
        "weights": weights,
        "summary": dict(outcome.summary),
    }


def main() -> None:
    """Train each case that is given, with each of its numbers of workers, one after the other."""
    torch.set_num_threads(1)
    gc.freeze()  # what was imported is not looked through after each training
    told = []
    for case in json.load(sys.stdin):
        with tempfile.TemporaryDirectory() as made:
            whole = case | {"folder": str(Path(made))}
            for workers in case["workers"]:
                told.append(run_team(workers, lambda team, whole=whole: trained(whole, team)))
                whole = {**whole, "stop_after": 1000}
                if not case.get("goes_on"):
                    whole["folder"] = tempfile.mkdtemp(dir=made)
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
