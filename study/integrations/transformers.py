"""Hugging Face's Trainer in a study: a callback that reports each evaluation, with the Trainer's
own checkpoint as its state.

>>> def train(config, session):
...     callback = StudyCallback(session)
...     trainer = Trainer(model, arguments, callbacks=[callback], …)
...     trainer.train(resume_from_checkpoint=callback.checkpoint)

What goes on from a state is, on a CPU, what was never interrupted, bit for bit, where it was
reported at an epoch's end; in the middle of one where preparing a batch draws no random numbers.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from study.integrations.metric_names import named_metrics
from study.integrations.resumption import find_resumption, script_mistake
from study.training.own.session import Session

try:
    from transformers import (
        TrainerCallback,
        TrainerControl,
        TrainerState,
        TrainingArguments,
        set_seed,
    )
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "study.integrations.transformers needs the package transformers: pip install"
        f" 'ray-study[transformers]' ({error})",
        name=error.name,
    ) from None

_OF_THE_MACHINE = ("runtime", "_per_second", "compilation_time")
"""Metrics whose names end so tell of the machine."""
_POSITION = ("epoch", "step", "total_flos", "num_input_tokens_seen")
_ARGUMENTS = "training_args.bin"
"""A pickle among a checkpoint's files, of which nothing reads it to go on."""


class StudyCallback(TrainerCallback):  # type: ignore[misc]  # the package may not be installed
    """Reports what ``Trainer.train`` evaluates to the session, and takes up what was interrupted.

    A row is an evaluation, or an epoch where there is none (``eval_strategy: no``); its metrics are
    what was evaluated and what was logged last. Each has a checkpoint. Steps are heartbeats, and
    the seed is the replicate's, whatever the arguments say.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._resumption = find_resumption(session)
        self._checkpoint = self._write_checkpoint()
        self._was_asked = False
        self._is_due = False
        """Whether there is something to report."""
        self._is_kept = False
        """Whether the checkpoint is one that the arguments ask for."""
        self._logs: dict[str, float] = {}
        self._evaluated: dict[str, float] = {}

    @property
    def checkpoint(self) -> str | None:
        """For ``Trainer.train``: the checkpoint to go on from; None where training begins."""
        self._was_asked = True
        return self._checkpoint

    def _write_checkpoint(self) -> str | None:
        if self._resumption is None:
            return None
        state = self._resumption.state
        folder = self._session.folder / f"checkpoint-{state['step']}"
        _write_files(state["files"], folder)
        return str(folder)

    # -- what the Trainer calls --

    def on_init_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if args.save_only_model:
            raise script_mistake(
                "save_only_model must not be set: without the optimizer's state an interrupted"
                " trial can't go on"
            )
        if args.world_size != self._session.workers:
            raise script_mistake(
                f"a Trainer must be of {self._session.workers} process(es), as its trial is; found"
                f" {args.world_size}"
            )
        args.seed = self._session.seed
        args.restore_callback_states_from_checkpoint = True
        set_seed(args.seed)
        if self._resumption and self._resumption.state["is_over"]:
            args.max_steps = self._resumption.state["step"]  # it was stopped early, and stays so

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        step = self._resumption.state["step"] if self._resumption else 0
        if not self._was_asked or state.global_step < step:
            raise script_mistake(
                "Trainer.train must be given the argument resume_from_checkpoint="
                "callback.checkpoint, where callback is the StudyCallback: without it an"
                " interrupted trial can't go on"
            )
        if self._resumption:
            self._logs = dict(self._resumption.state["logs"])
            self._resumption = None

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._report()

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._report()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        self._session.heartbeat()
        return self._announce(control, control.should_evaluate)

    def on_prediction_step(self, *_: Any, **__: Any) -> None:
        self._session.heartbeat()

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        is_due = control.should_evaluate or args.eval_strategy == "no"
        return self._announce(control, is_due)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        if "loss" in (logs or {}):
            self._logs = _metrics(logs or {})

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        if self._is_due:
            self._evaluated |= _metrics(metrics or {})

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if not self._is_due:
            return
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        files = _read_files(folder)
        if not self._is_kept:
            shutil.rmtree(folder)
        self._report(
            {
                "files": files,
                "step": state.global_step,
                "is_over": control.should_training_stop,
                "logs": self._logs,
            }
        )

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._report()

    # -- a report --

    def _announce(self, control: TrainerControl, is_due: bool) -> TrainerControl:
        """Ask the Trainer for what a report needs, where one is due: logs and a checkpoint."""
        if is_due:
            self._is_due = True
            self._is_kept = control.should_save
            control.should_save = control.should_log = True
        return control

    def _report(self, state: dict[str, Any] | None = None) -> None:
        """Report what is due, if anything is; without a state where the Trainer has saved none."""
        if not self._is_due:
            return
        self._is_due = False
        metrics, self._evaluated = self._logs | self._evaluated, {}
        self._session.report(metrics, state)


def _metrics(logged: Mapping[str, Any]) -> dict[str, float]:
    """Return what of the logged are metrics of the training."""
    of_training = {
        name: value
        for name, value in logged.items()
        if name not in _POSITION and not name.endswith(_OF_THE_MACHINE)
    }
    return named_metrics(of_training)


def _read_files(folder: Path) -> dict[str, Any]:
    """Return a checkpoint's files by their paths: weights as tensors, the others as their bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): _read(path)
        for path in files
        if path.name != _ARGUMENTS
    }


def _read(path: Path) -> Any:
    if path.suffix == ".safetensors":
        return load_file(path)
    return torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)


def _write_files(files: Mapping[str, Any], folder: Path) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, torch.Tensor):
            path.write_bytes(content.numpy().tobytes())
        else:
            save_file(content, path, metadata={"format": "pt"})
