"""What a training function can say and hear: reports, states, ends that it can't handle away."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from study.errors import StorageFault
from study.files.local_storage import LocalPath
from study.training.best import BestBy
from study.training.checkpoint import Checkpoints
from study.training.own import run, session
from study.training.own.function import TrainFunction
from study.training.own.run import train_function
from study.training.own.session import Session
from study.training.own.surroundings import OwnRow
from study.training.runtime.failures import Stopped, TrainingFailure
from study.training.summary import Outcome

from ..conftest import Memory

Function = Callable[[Any, Session], Any]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[OwnRow], Outcome]]:
    """Trains by a function of the test's own, each report's row taken until ``stop_at``."""

    def train(
        function: Function, config: dict[str, Any] | None = None, stop_at: int = 0, **options: Any
    ) -> tuple[list[OwnRow], Outcome]:
        found = TrainFunction("mine:train", function, None)
        monkeypatch.setattr(run, "load_function", lambda reference: found)
        rows: list[OwnRow] = options.pop("rows", [])

        def report(row: OwnRow) -> bool:
            rows.append(row)
            return row["epoch"] != stop_at

        options.setdefault("seed", 0)
        outcome = train_function("mine:train", config or {}, report=report, **options)
        return rows, outcome

    return train


Trained = Callable[..., tuple[list[OwnRow], Outcome]]


def draws() -> list[float]:
    """A draw from each of the global generators."""
    return [random.random(), float(np.random.rand()), float(torch.rand(()))]


def drawing(config: dict[str, Any], session: Session) -> None:
    """Sums up draws, with state."""
    saved = session.restore()
    total = saved["total"] if saved else torch.zeros(3)
    for _ in range(session.epoch, config["epochs"]):
        total = total + torch.tensor(draws())
        metrics = dict(zip("abc", total, strict=True))
        session.report(metrics, state={"total": total})


def timeless(rows: list[OwnRow]) -> list[OwnRow]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_reports_are_the_rows_of_epochs_from_1(trained: Trained) -> None:
    def function(config: Any, session: Session) -> None:
        for epoch in range(3):
            session.report({"loss": 1 / (epoch + 1), "tokens": np.int64(7)})

    rows, outcome = trained(function)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["loss"] for row in rows] == [1, 0.5, 1 / 3]
    assert [row["tokens"] for row in rows] == [7, 7, 7]
    assert all(row["last"] is False for row in rows)
    seconds = [row["seconds"] for row in rows]
    assert seconds == sorted(seconds)  # type: ignore[type-var]
    assert outcome.stop_reason == "returned"
    assert outcome.summary["total_seconds"] == seconds[-1]


def test_a_function_has_what_its_session_names(trained: Trained, tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def function(config: Any, session: Session) -> None:
        seen.update({name: value for name, value in vars(session).items() if name[0] != "_"})
        assert session.restore() is None
        (session.folder / "scratch").write_text("mine")
        session.report({"loss": 1.0})

    trained(function, seed=3, attempt=2, data_dir=tmp_path)
    assert seen["seed"] == 3
    assert seen["device"] == torch.device("cpu")
    assert (seen["rank"], seen["workers"], seen["attempt"], seen["epoch"]) == (0, 1, 2, 0)
    assert seen["data_dir"] == tmp_path
    assert not seen["folder"].exists(), "it is gone after the attempt"


def test_the_generators_are_seeded_with_the_replicate(trained: Trained) -> None:
    rows, _ = trained(drawing, {"epochs": 2}, seed=5)
    again, _ = trained(drawing, {"epochs": 2}, seed=5)
    other, _ = trained(drawing, {"epochs": 2}, seed=6)
    assert timeless(rows) == timeless(again) != timeless(other)
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    assert torch.allclose(torch.tensor(draws()), torch.tensor([rows[0][name] for name in "abc"]))


@pytest.mark.parametrize("killed_after", [1, 2, 3])
def test_what_goes_on_from_a_state_is_what_was_never_interrupted(
    trained: Trained, killed_after: int
) -> None:
    whole, _ = trained(drawing, {"epochs": 4})
    store = Memory()
    with pytest.raises(Stopped):
        trained(drawing, {"epochs": 4}, stop_at=killed_after, checkpoint=store)
    rest, _ = trained(drawing, {"epochs": 4}, checkpoint=store, reported=killed_after)
    assert timeless(rest) == timeless(whole[killed_after:])
    assert float(rest[0]["seconds"] or 0) > store.state(killed_after)["seconds"]


def test_rows_that_only_the_checkpoint_has_are_reported_first(trained: Trained) -> None:
    store = Memory()
    whole, _ = trained(drawing, {"epochs": 3}, checkpoint=store, epochs=3)
    seen: list[int] = []

    def function(config: Any, session: Session) -> None:
        session.restore()
        seen.append(session.epoch)

    rows, outcome = trained(function, checkpoint=store, reported=1)
    assert rows == whole[1:], "though the function itself has nothing to report any more"
    assert seen == [3]
    assert outcome.stop_reason == "returned"


def test_an_epoch_that_is_known_is_not_reported_again_but_its_state_is_saved(
    trained: Trained,
) -> None:
    store, repeated = Memory(), [0]

    def count(row: Any) -> None:
        assert row["epoch"] in (1, 2)
        repeated[0] += 1

    rows, _ = trained(
        drawing, {"epochs": 3}, checkpoint=store, epochs=3, reported=2, repeated=count
    )
    assert [row["epoch"] for row in rows] == [3]
    assert repeated == [2]
    assert store.state(1)["epoch"] == 1


def test_states_are_saved_as_often_as_that_takes_little_time(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [0.0]

    class Slow(Memory):
        def save(self, epoch: int, state: dict[str, Any]) -> None:
            moment[0] += 1.0
            super().save(epoch, state)

    def function(config: Any, session: Session) -> None:
        weights = torch.zeros(2)
        for _ in range(100):
            moment[0] += 4.0
            weights += 1
            session.report({"loss": float(weights[0])}, state={"weights": weights})
        weights.zero_()

    pace = session.SavingPace
    monkeypatch.setattr(session, "SavingPace", lambda: pace(clock=lambda: moment[0]))
    store = Slow()
    trained(function, checkpoint=store)
    assert len(store.kept) == pytest.approx(400 * 0.05, abs=2)
    assert min(store.kept) == 1
    assert store.state(100)["state"]["weights"].tolist() == [100, 100], "what was last reported"


def test_the_state_is_saved_where_a_trial_is_stopped(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Never(session.SavingPace):
        def is_due(self) -> bool:
            return False

    monkeypatch.setattr(session, "SavingPace", Never)
    store = Memory()
    with pytest.raises(Stopped):
        trained(drawing, {"epochs": 4}, stop_at=2, checkpoint=store)
    assert list(store.kept) == [2]


def test_a_state_for_which_it_was_too_early_is_saved_though_later_reports_have_none(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AtTheEnd(session.SavingPace):
        def is_due(self) -> bool:
            return False

    def function(config: Any, session: Session) -> None:
        for epoch in range(4):
            state = {"epoch": epoch + 1} if epoch == 1 else None
            session.report({"loss": 1.0}, state=state)

    monkeypatch.setattr(session, "SavingPace", AtTheEnd)
    store = Memory()
    trained(function, checkpoint=store)
    assert list(store.kept) == [2]
    assert store.state(2)["state"] == {"epoch": 2}
    assert [row["epoch"] for row in store.state(2)["history"]] == [1, 2]


def test_the_best_epochs_state_is_kept_beside_the_last(trained: Trained) -> None:
    def function(config: Any, session: Session) -> None:
        saved = session.restore()
        weights = saved["weights"] if saved else torch.zeros(1)
        for loss in (3.0, 1.0, 2.0)[session.epoch :]:
            weights += 1
            session.report({"loss": loss}, state={"weights": weights})

    store = Memory()
    best_by = BestBy("loss", "minimize")
    with pytest.raises(Stopped):
        trained(function, checkpoint=store, best_by=best_by, stop_at=2)
    trained(function, checkpoint=store, best_by=best_by, epochs=3, reported=2)
    state = store.state(3)
    assert state["state"]["weights"] == 3
    assert state["best"] == {"epoch": 2, "value": 1.0, "state": {"weights": torch.tensor([2.0])}}


def test_being_stopped_is_not_swallowed_by_except_exception(trained: Trained) -> None:
    reached: list[str] = []

    def function(config: Any, session: Session) -> None:
        try:
            session.report({"loss": 1.0})
        except Exception:
            reached.append("handled")
        finally:
            reached.append("cleaned up")
        reached.append("went on")

    with pytest.raises(Stopped):
        trained(function, stop_at=1)
    assert reached == ["cleaned up"]


@pytest.mark.parametrize("end", ["return", "raise", "report"])
def test_a_function_that_goes_on_after_it_was_stopped_stays_stopped(
    trained: Trained, end: str
) -> None:
    def function(config: Any, session: Session) -> None:
        try:
            session.report({"loss": 1.0})
        except BaseException:
            if end == "raise":
                raise ValueError("while cleaning up") from None
        if end == "report":
            session.report({"loss": 2.0})

    rows: list[OwnRow] = []
    with pytest.raises(Stopped):
        trained(function, stop_at=1, rows=rows)
    assert len(rows) == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), torch.tensor(-float("inf"))])
def test_an_objective_that_is_not_finite_diverged_whatever_the_function_handles(
    trained: Trained, value: Any
) -> None:
    def function(config: Any, session: Session) -> None:
        session.report({"loss": 1.0})
        with suppress(BaseException):
            session.report({"loss": value})

    rows: list[OwnRow] = []
    with pytest.raises(TrainingFailure, match=r"loss is -?(nan|inf) at epoch 2") as caught:
        trained(function, objectives=("loss",), rows=rows)
    assert caught.value.failure_class == "diverged"
    assert len(rows) == 1


def test_another_metric_that_is_not_finite_is_null(trained: Trained) -> None:
    def function(config: Any, session: Session) -> None:
        session.report({"loss": 1.0, "norm": float("inf"), "gap": float("nan")})

    ((row,), _) = trained(function, objectives=("loss",))
    assert row["norm"] is None
    assert row["gap"] is None


@pytest.mark.parametrize("epochs_before", [0, 1])
def test_an_objective_that_is_not_reported_is_named_with_what_came(
    trained: Trained, epochs_before: int
) -> None:
    def function(config: Any, session: Session) -> None:
        for _ in range(epochs_before):
            session.report({"iou": 0.5})
        session.report({"loss": 1.0, "accuracy": 0.5})

    with pytest.raises(TrainingFailure, match="reported: loss, accuracy") as caught:
        trained(function, objectives=("iou", "seconds"))
    assert caught.value.failure_class == "invalid"
    assert caught.value.details == {
        "mistake": epochs_before == 0,
        "missing_objective": "iou",
        "reported": "loss, accuracy",
    }


@pytest.mark.parametrize("name", ["epoch", "Loss", "val loss"])
def test_a_name_that_no_metric_can_have_is_a_mistake_whatever_the_function_handles(
    trained: Trained, name: str
) -> None:
    def function(config: Any, session: Session) -> None:
        with suppress(BaseException):
            session.report({"loss": 1.0, name: 2.0})

    with pytest.raises(TrainingFailure, match="metric") as caught:
        trained(function)
    assert caught.value.failure_class == "invalid"
    assert caught.value.details == {"mistake": True}


def test_a_function_that_never_reports_is_invalid(trained: Trained) -> None:
    with pytest.raises(TrainingFailure, match="returned without a report") as caught:
        trained(lambda config, session: None)
    assert caught.value.failure_class == "invalid"


def test_a_report_that_is_refused_leaves_no_epoch(trained: Trained) -> None:
    def function(config: Any, session: Session) -> None:
        with pytest.raises(TypeError, match="must be a number"):
            session.report({"loss": "low"})
        with pytest.raises(TypeError, match=r"state\['m'\] must be a tensor or plain data"):
            session.report({"loss": 1.0}, state={"m": torch.nn.Linear(1, 1)})
        session.report({"loss": 1.0})

    rows, _ = trained(function)
    assert [row["epoch"] for row in rows] == [1]


def test_a_full_disk_is_no_failure_that_the_function_can_handle(trained: Trained) -> None:
    class Full(Memory):
        def save(self, epoch: int, state: dict[str, Any]) -> None:
            raise StorageFault("no space left on device")

    def function(config: Any, session: Session) -> None:
        try:
            session.report({"loss": 1.0}, state={})
        except Exception:
            session.report({"loss": 1.0})

    with pytest.raises(StorageFault, match="no space left"):
        trained(function, checkpoint=Full())


def test_restore_comes_before_the_first_report(trained: Trained) -> None:
    def function(config: Any, session: Session) -> None:
        session.report({"loss": 1.0})
        session.restore()

    with pytest.raises(TrainingFailure, match="comes before the first report") as caught:
        trained(function)
    assert caught.value.failure_class == "error"


def test_a_session_is_for_its_own_process(trained: Trained) -> None:
    def function(config: Any, session: Session) -> None:
        session.report({"loss": 1.0})
        child = os.fork()
        if child == 0:
            try:
                session.report({"loss": 2.0})
            except RuntimeError:
                os._exit(7)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 7

    rows, _ = trained(function)
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("error", "failure_class"),
    [
        (SystemExit(0), "error"),
        (SystemExit("usage: train"), "error"),
        (GeneratorExit(), "error"),
        (MemoryError(), "out_of_memory"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), "out_of_memory"),
        (TimeoutError("store"), "timeout"),
        (ExceptionGroup("many", [ValueError("one"), KeyError("two")]), "error"),
        (RecursionError("maximum recursion depth exceeded"), "error"),
    ],
)
def test_each_failure_has_its_class(
    trained: Trained, error: BaseException, failure_class: str
) -> None:
    def function(config: Any, session: Session) -> None:
        session.report({"loss": 1.0})
        raise error

    with pytest.raises(TrainingFailure) as caught:
        trained(function)
    assert caught.value.failure_class == failure_class


def test_a_module_that_is_not_there_is_invalid() -> None:
    with pytest.raises(TrainingFailure, match="no module no_such_package") as caught:
        train_function("no_such_package:train", {}, seed=0, report=lambda row: True)
    assert caught.value.failure_class == "invalid"


def test_checkpoints_on_disk_hold_nothing_that_runs_code(trained: Trained, tmp_path: Path) -> None:
    store = Checkpoints(LocalPath(tmp_path / "checkpoints"), owner="trial 0")
    trained(drawing, {"epochs": 2}, checkpoint=store, epochs=2)
    state = Checkpoints(LocalPath(tmp_path / "checkpoints"), owner="trial 0").latest()
    assert state is not None
    assert state["epoch"] == 2
    assert len(state["history"]) == 2
