"""What a library's loop goes on from: the session's newest state, and the random states with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from study.training.own.session import Session
from study.training.runtime.failures import TrainingFailure
from study.training.runtime.randomness import random_states, restore_random_states


@dataclass(frozen=True)
class Resumption:
    """A state that was reported, and the states of the random generators at that time."""

    state: dict[str, Any]
    random: dict[str, Any]
    device: torch.device

    def restore_random_states(self) -> None:
        """Set the random generators to what they were when the state was reported."""
        restore_random_states(self.random, self.device)


def find_resumption(session: Session) -> Resumption | None:
    """Return what there is to go on from; None where training begins.

    The random generators stay as they are: until its loop begins, a script that goes on draws what
    it drew when it began (its model's first weights, how it splits its data).
    """
    before = random_states(session.device)
    state = session.restore()
    if state is None:
        return None
    resumption = Resumption(state, random_states(session.device), session.device)
    restore_random_states(before, session.device)
    return resumption


def script_mistake(message: str) -> TrainingFailure:
    """Return the failure of a script that no trial of its study can train with."""
    return TrainingFailure("invalid", message, {"mistake": True})
