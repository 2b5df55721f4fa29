"""The process in which own code is loaded to be looked at: a task comes as JSON, an answer goes.

Whatever the code prints goes to the standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "model": ("image_shape", "classes"),
    "data": ("data", "folder"),
    "loss": ("logits", "labels"),
    "optimizer": ("model",),
    "schedule": ("step", "steps"),
    "augment": ("images", "labels", "generator"),
    "sampler": (),
}
"""What a factory of each role is called with, beside its options."""


def main() -> None:
    """Answer the task on the standard input."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    task = json.load(sys.stdin)
    sys.path += [path for path in task["path"] if path not in sys.path]
    faults = [fault for call in task["calls"] for fault in _call_faults(call)]
    lines: list[str] = []
    if not faults and task["recipes"]:
        from study.inspection.batch_check import BatchFault, check_batches

        try:
            lines = check_batches(task["recipes"], task["data_dir"])
        except BatchFault as fault:
            faults.append(_fault(fault.name, fault.must, fault.found))
    json.dump({"faults": faults, "lines": lines}, answers)
    answers.flush()
    os._exit(0)  # whatever threads the code has left behind


def _call_faults(call: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Give what is wrong with one factory: it can't be loaded, or not be called like this."""
    from study.training.runtime.imports import import_function
    from study.training.runtime.own_frames import import_fault, own_place
    from study.training.runtime.signatures import signature_fault

    name, role = call["name"], call["role"]
    if role == "timm":
        from study.training.models.timm_models import timm_fault

        lacking = timm_fault(name)
        if lacking:
            yield _fault(name, lacking.must, lacking.found, lacking.accepted, lacking.nearest)
        return
    try:
        function = import_function(name)
    except BaseException as error:
        place = own_place(error)
        found = f"{import_fault(error)} ({place})" if place else import_fault(error)
        yield _fault(name, "must be importable", found)
        return
    if role not in _ARGUMENTS:
        return
    if not callable(function):
        yield _fault(name, "must be a function or class", type(function).__name__)
        return
    options = dict.fromkeys([*call["options"], *(["seed"] if role == "sampler" else [])])
    fault = signature_fault(function, name, _ARGUMENTS[role], options)
    if fault:
        yield _fault(fault.option or name, fault.must, fault.found, fault.accepted, fault.meant)


def _fault(name: str, must: str, found: str, accepted: str = "", meant: str = "") -> dict[str, str]:
    """Return a fault as the answer has it; ``name`` is what of the study file is at fault."""
    return {"name": name, "must": must, "found": found, "accepted": accepted, "meant": meant}


if __name__ == "__main__":
    main()
