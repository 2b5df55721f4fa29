"""Events: made durable one by one or together, and taken up again."""

from __future__ import annotations

from study.controller.next_work import Assignment
from study.controller.study_state import StudyState
from study.journal.events import AttemptStarted, PointAsked

from ..fake_cluster import Storage, controller_on, curve, outcome, small_spec


def test_what_is_recorded_together_is_one_write_and_takes_effect_within_it() -> None:
    storage = Storage()
    controller = controller_on(storage, small_spec(pruner="none", recipe={"epochs": 1}))
    writes = storage.writes
    with controller.together():
        assignment = controller.next()
        assert isinstance(assignment, Assignment)
        controller.reported(
            assignment.trial, 1, {"epoch": 1, "last": True, **curve(assignment.recipe, 1)}
        )
        controller.finished(assignment.trial, 1, "epochs", {})
        assert controller.history.points[0].state == "COMPLETE"
        assert storage.writes == writes
    assert storage.writes == writes + 1
    kinds = [event["event"] for event in storage.events[-6:]]
    assert kinds == ["asked", "started", "reported", "finished", "ended", "told"]
    assert outcome(
        controller_on(storage, small_spec(pruner="none", recipe={"epochs": 1}))
    ) == outcome(controller)


def test_a_trials_recipe_has_its_values_its_seed_and_what_a_retry_changed() -> None:
    state = StudyState(
        small_spec(),
        Storage().append,
        workers=2,
        nominal_cost=lambda recipe: 1.0,
        reproducible=True,
        keep_going=False,
    )
    started = {"point": 0, "replicate": 0, "seed": 3, "kind": "search", "epochs": 0}
    values = {"optimizer.name": "sgd", "optimizer.lr": 0.1}
    asked = {"origin": "user", "entry": None, "level": 0, "nominal": None}
    state.record(
        PointAsked(point=0, values=values, known=True, **asked),
        AttemptStarted(trial=0, attempt=1, substitutions={"accumulation": 2}, **started),
        PointAsked(point=1, values={**values, "optimizer.lr": -1.0}, known=False, **asked),
        AttemptStarted(trial=1, attempt=1, substitutions={}, **{**started, "point": 1}),
    )
    trial = state.history.trials[0]
    training = state.training_of(trial)
    assert training is not None
    recipe = training.tree(trial.seed)
    assert (recipe["optimizer"]["name"], recipe["seed"], recipe["accumulation"]) == ("sgd", 3, 2)
    assert state.training_of(state.history.trials[1]) is None, "its values don't go together"
