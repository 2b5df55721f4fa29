"""What a training says of itself while it trains."""

from __future__ import annotations

from collections.abc import Callable

from study.training.loop import train
from study.training.recipe.recipe import Recipe
from study.training.runtime.progress import TrainingProgress


class Noted(TrainingProgress):
    """Remembers the stages in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.stages: list[str] = []

    def enter(self, stage: str) -> None:
        super().enter(stage)
        self.stages.append(stage)


def test_a_training_says_what_it_is_at(tiny: Callable[..., Recipe]) -> None:
    progress = Noted()
    train(tiny(), report=lambda row: True, progress=progress)
    epoch = ["training", "evaluating", "saving"]
    assert progress.stages == ["reading data", "building the model", *epoch * 3, "testing"]


def test_steps_and_pace_are_those_of_the_epoch_in_work(tiny: Callable[..., Recipe]) -> None:
    progress, marks = TrainingProgress(), []
    train(
        tiny(),
        report=lambda row: True,
        heartbeat=lambda: marks.append(progress.mark()),
        progress=progress,
    )
    steps = [(mark.epoch, mark.step) for mark in marks if mark.stage == "training"]
    assert steps == [(epoch, step) for epoch in (1, 2, 3) for step in (1, 2, 3)]
    assert {mark.steps for mark in marks} == {3}
    assert all(mark.images_per_second > 0 for mark in marks if mark.stage == "training")


def test_the_first_step_of_a_compiled_network_is_said_to_compile() -> None:
    progress = TrainingProgress()
    progress.begin_epoch(1, 5, compiles=True)
    assert progress.mark().stage == "compiling in its first step"
    progress.add_step(32)
    assert (progress.mark().stage, progress.mark().step) == ("training", 1)
    progress.begin_epoch(2, 5, compiles=True)
    assert progress.mark().stage == "training"


def test_a_stage_says_how_much_of_it_is_done() -> None:
    progress = TrainingProgress()
    progress.enter("reading data")
    progress.count(12_300, 30_000)
    assert progress.mark().stage == "reading data, 12,300 of 30,000"
    progress.count(0, 0)
    assert progress.mark().stage == "reading data"
    progress.count(1, 2)
    progress.enter("building the model")
    assert progress.mark().stage == "building the model"
