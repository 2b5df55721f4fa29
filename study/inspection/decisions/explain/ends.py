"""How a trial ended that no pruner stopped, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from study.inspection.decisions.explain.words import list_text
from study.inspection.format import count_text
from study.journal.trials import Trial

_REASONS = {
    "epochs": "all its epochs were done",
    "steps": "all its steps were done",
    "seconds": "its time was up",
    "converged": "its loss had converged",
    "target": "its target was reached",
    "patience": "its metric had not become better for long enough",
    "stopped": "it was told to stop",
}
"""What the recipe's reasons for the end of a training mean."""


@dataclass(frozen=True)
class EndExplanation:
    """The state that a trial has come to, after how many epochs, and why."""

    trial: int
    point: int
    state: str
    epoch: int
    why: str

    def tree(self) -> dict[str, Any]:
        """Return the explanation as plain data, for JSON."""
        return {
            "kind": "end",
            "trial": self.trial,
            "point": self.point,
            "state": self.state,
            "epoch": self.epoch,
            "why": self.why,
            "text": self.sentence(),
        }

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Return the explanation as lines for a reader."""
        return [self.sentence()]

    def sentence(self) -> str:
        """Return the explanation as a sentence."""
        epochs = count_text(self.epoch, "epoch")
        return f"Trial {self.trial} is {self.state} after {epochs}: {self.why}."


def explain_end(trial: Trial) -> EndExplanation:
    """Explain how a trial ended, or that it has not, and where it was promoted."""
    why = _why(trial)
    if trial.promoted_at:
        epochs = "epoch" if len(trial.promoted_at) == 1 else "epochs"
        why += f"; it was promoted after {epochs} {list_text(trial.promoted_at)}"
    return EndExplanation(trial.number, trial.point, trial.state, trial.epochs, why)


def _why(trial: Trial) -> str:
    if not trial.has_ended:
        return "it has no outcome yet"
    if trial.state == "PRUNED":
        return "the user stopped it" if trial.stopped_by == "user" else "its pruner stopped it"
    if trial.failure is not None:
        attempts = len(trial.attempts)
        tries = f", at the last of {attempts} attempts" if attempts > 1 else ""
        message = trial.failure.message.rstrip(".")
        return f"{trial.failure.failure_class}{tries}: {message}"
    return _REASONS.get(trial.stop_reason, trial.stop_reason or "its training came to its end")
