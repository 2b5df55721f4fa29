"""What it means that a training process ended before its training did."""

from __future__ import annotations

import signal

from study.execution.training_process.training_process import Ending
from study.journal.failure import Failure


def failure_of(ending: Ending) -> Failure:
    """Return the failure of an attempt whose process ended before it said how its training did."""
    details = {"exit_code": ending.exit_code, "peak_bytes": ending.peak_bytes}
    if ending.exit_code >= 0:
        message = (
            f"the training function ended its process, with exit code {ending.exit_code}, before it"
            " returned"
        )
        return Failure("error", message, details)
    died = f"its process died of {_signal_name(-ending.exit_code)}"
    if ending.exit_code != -signal.SIGKILL:
        return Failure("error", died, details)
    if ending.is_memory_kill:
        message = f"the machine's memory ran out: {died}, with {ending.peak_bytes / 2**30:.1f} GiB"
        return Failure("out_of_memory", message, details)
    return Failure("node", f"{died}, sent by another", {**details, "node_alive": True})


def _signal_name(number: int) -> str:
    try:
        return f"{signal.Signals(number).name} ({signal.strsignal(number)})"
    except ValueError:
        return f"signal {number}"
