"""Whatever a training function does has its class, and the next trial is as if it had never been.

The worker's own class, without Ray around it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from study.execution.on_ray import worker_place
from study.execution.on_ray.processes import own_training
from study.execution.on_ray.processes.own_training import close_nursery
from study.execution.on_ray.tune_worker import TrialWorker
from study.execution.on_ray.worker_protocol import (
    Failed,
    Finished,
    Placed,
    Repeated,
    Reported,
    SetAside,
    Waiting,
    WorkerConfig,
    WorkerMessage,
    seal_config,
)
from study.training.own.kept import kept_names
from study.training.runtime.progress import ProgressMark

WAIT_S = 900
HERE = Path(__file__).parents[1]


class Worker:
    """A worker that is given one training function after another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._worker: TrialWorker | None = None
        self._trials = 0

    def begin(self, function: str, config: Any = None, **changed: Any) -> None:
        """Begin a trial of its own, or another attempt at one."""
        trial = changed.pop("trial", None)
        self._trials += 1
        self.folder = self._folder / str(trial or self._trials)
        assignment = {
            "trial": 0,
            "attempt": changed.pop("attempt", 1),
            "train": function if ":" in function else f"hostile_trainings:{function}",
            "recipe": config or {},
            "seed": changed.pop("seed", 0),
            "epochs": changed.pop("epochs", None),
            "epochs_reported": changed.pop("reported", 0),
            "until": changed.pop("until", None),
            "seconds_used": 0.0,
        }
        self.folder.mkdir(exist_ok=True)
        worker_config: WorkerConfig = {
            "assignment": json.dumps(assignment),
            "checkpoints": str(self.folder / "checkpoints"),
            "stderr": str(self.folder / "stderr.txt"),
            "output": str(self.folder / "output.txt"),
            "kept": str(self.folder / "kept"),
            "cpus": 1,
            "gpus": 0,
            "resources": {"CPU": 1},
            "workers": 1,
            "heartbeat_s": 300,
            "hang_without_heartbeat": False,
            "limit_s": None,
            "data_dir": None,
            "run": "",
            "poll_s": 0.0,
            "path": [str(HERE), *changed.pop("path", [])],
            "best_by": None,
            "objectives": ["loss"],
        }
        worker_config |= changed  # type: ignore[typeddict-item]
        if self._worker is None:
            self._worker = object.__new__(TrialWorker)  # without Tune's own state
            self._worker.setup(seal_config(worker_config))
        else:
            assert self._worker.reset_config(seal_config(worker_config))

    def step(self) -> list[WorkerMessage]:
        assert self._worker is not None
        messages: list[WorkerMessage] = self._worker.step()["messages"]
        return messages

    def progress(self) -> ProgressMark:
        """How far the trial is."""
        assert self._worker is not None
        training = self._worker._training
        assert training is not None
        return training.progress.mark()

    def until_reported(self, epoch: int) -> None:
        """Let training go on until it has reported an epoch."""
        for message in self._messages():
            if isinstance(message, Reported) and message.row["epoch"] == epoch:
                return

    def to_its_end(self) -> list[WorkerMessage]:
        """What the trial says up to its last word."""
        messages = []
        for message in self._messages():
            messages.append(message)
            if isinstance(message, Finished | Failed | SetAside):
                break
        return messages

    def set_aside(self) -> list[WorkerMessage]:
        """Have training make way, as the answer to its latest report; return what it says then."""
        assert self._worker is not None
        self._worker.set_aside()
        return self.to_its_end()

    def _messages(self) -> Iterator[WorkerMessage]:
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            yield from self.step()
        raise AssertionError("the worker says nothing more")

    def train(self, function: str, config: Any = None, **changed: Any) -> list[WorkerMessage]:
        self.begin(function, config, **changed)
        return self.to_its_end()

    def leave(self) -> None:
        """Leave the attempt, as the driver does before the next one and at the end."""
        assert self._worker is not None
        self._worker._leave()

    def printed(self) -> str:
        self.leave()
        path = self.folder / "output.txt"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self) -> None:
        if self._worker is not None:
            self._worker.cleanup()


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker_place, "node_id", lambda: "1")
        patch.setattr(own_training, "node_id", lambda: "1")
        worker = Worker(tmp_path_factory.mktemp("worker"))
        yield worker
        worker.close()


def rows(messages: list[WorkerMessage]) -> list[dict[str, Any]]:
    found = [dict(message.row) for message in messages if isinstance(message, Reported)]
    for row in found:
        row.pop("seconds")
    return found


def failure_in(messages: list[WorkerMessage]) -> Any:
    last = messages[-1]
    assert isinstance(last, Failed), messages
    json.dumps(last.failure.to_record(), ensure_ascii=False).encode()
    return last.failure


def witnessed(worker: Worker) -> tuple[list[dict[str, Any]], str]:
    """The witness's rows, and the state that it finds its process in."""
    messages = worker.train("witness")
    assert isinstance(messages[-1], Finished), messages
    state = re.search("state: (.*)", worker.printed())
    assert state
    return rows(messages), state[1].replace(str(worker.folder), "FOLDER")


@pytest.fixture(scope="module")
def before(worker: Worker) -> tuple[list[dict[str, Any]], str]:
    """What the witness says where nothing was before it."""
    return witnessed(worker)


ENDS = [
    ("os_exit", "error", "ended its process, with exit code 0, before it returned"),
    ("sys_exit", "error", "SystemExit: 0"),
    ("system_exit_in_a_thread", "error", "ended its process, with exit code 5"),
    ("keyboard_interrupt", "error", "KeyboardInterrupt"),
    ("interrupts_itself", "error", "KeyboardInterrupt"),
    ("terminates_itself", "error", "its process died of SIGTERM"),
    ("kills_itself", "node", "its process died of SIGKILL"),
    ("kills_its_group", "node", "its process died of SIGKILL"),
    ("segfault", "error", "its process died of SIGSEGV"),
    ("aborts", "error", "its process died of SIGABRT"),
    ("generator_exit", "error", "GeneratorExit"),
    ("stop_iteration", "error", "StopIteration"),
    ("mute_error", "error", "_Mute: .its text can't be made: RuntimeError"),
    ("long_error", "error", "ValueError: xxx"),
    ("chained_errors", "error", "ValueError: 99999"),
    ("no_unicode", "error", r"no such file: caf\\udce9.png"),
    ("memory_error", "out_of_memory", "out of memory"),
    ("too_much_memory", "out_of_memory", "tried to allocate 1152921504606846976 bytes"),
    ("gpu_memory", "out_of_memory", "CUDA out of memory"),
    ("recursion", "error", "RecursionError"),
    ("stopped_by_itself", "error", "raised study.Stopped where nobody had told it to stop"),
    ("not_a_number", "diverged", "loss is nan at epoch 1"),
    ("no_report", "invalid", "returned without a report"),
    ("other_metrics", "invalid", "the objective loss must be among the metrics"),
    ("forgets_its_files", "error", ""),
    ("poisons_libraries", "error", ""),
    ("kills_its_parent", "node", "its process died of SIGKILL"),
    ("no_such_function", "invalid", "has no function no_such_function"),
    ("nowhere.at_all:train", "invalid", "there is no module nowhere"),
]


@pytest.mark.parametrize(("function", "failure_class", "message"), ENDS)
def test_each_end_has_its_class_and_the_worker_goes_on(
    worker: Worker, before: Any, function: str, failure_class: str, message: str
) -> None:
    failure = failure_in(worker.train(function))
    assert failure.failure_class == failure_class
    assert re.search(message, failure.message), failure.message
    assert witnessed(worker) == before


@pytest.mark.parametrize(
    "function",
    [
        "prints",
        "replaces_streams",
        "changes_folders",
        "changes_torch",
        "changes_python",
        "leaves_memory",
        "leaves_processes",
        "leaves_files",
        "forks_and_returns",
    ],
)
def test_nothing_that_a_function_does_to_its_process_reaches_the_next_trial(
    worker: Worker, before: Any, function: str
) -> None:
    messages = worker.train(function)
    assert [type(message) for message in messages] == [Placed, Reported, Finished], messages
    assert witnessed(worker) == before
    left = [process for process in psutil.process_iter(["cmdline"]) if "6543.21" in _line(process)]
    assert left == []


def _line(process: psutil.Process) -> str:
    return " ".join(process.info["cmdline"] or [])


@pytest.mark.parametrize("function", ["leaves_threads", "leaves_an_ending"])
def test_a_process_that_does_not_end_after_its_function_is_ended(
    worker: Worker, before: Any, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from study.execution.training_process import training_process

    monkeypatch.setattr(training_process, "_END_S", 0.2)
    messages = worker.train(function)
    assert isinstance(messages[-1], Finished)
    assert witnessed(worker) == before


def test_a_process_that_can_not_be_heard_any_more_is_ended(
    worker: Worker, before: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from study.execution.training_process import training_process

    monkeypatch.setattr(training_process, "_END_S", 0.2)
    failure = failure_in(worker.train("hangs_up"))
    assert failure.failure_class == "error"
    assert "closed its process's files" in failure.message
    assert witnessed(worker) == before


def test_what_a_trial_prints_is_kept_within_bounds(worker: Worker) -> None:
    worker.train("prints")
    printed = worker.printed()
    for line in ("from python", "to stderr", "raw � bytes", "from C", "from a child", "the end"):
        assert line in printed
    assert "bytes left out" in printed
    assert len(printed) < 2**20 + 100


def test_a_crash_leaves_its_stack(worker: Worker) -> None:
    worker.train("segfault")
    assert "hostile_trainings.py" in (worker.folder / "stderr.txt").read_text()
    worker.train("recursion")
    assert "RecursionError" in (worker.folder / "stderr.txt").read_text()


def test_silence_is_no_hang_before_the_first_heartbeat(worker: Worker) -> None:
    messages = worker.train("holds_the_gil", {"seconds": 3}, heartbeat_s=0.5)
    assert isinstance(messages[-1], Finished)


@pytest.mark.parametrize(
    "options",
    [
        {"config": {"seconds": 3600, "beats": True}},
        {"config": {"seconds": 3600}, "hang_without_heartbeat": True},
    ],
)
def test_silence_is_a_hang_after_a_heartbeat_or_where_the_study_file_says_so(
    worker: Worker, before: Any, options: dict[str, Any]
) -> None:
    failure = failure_in(worker.train("holds_the_gil", heartbeat_s=1, **options))
    assert failure.failure_class == "timeout"
    assert re.search(r"no sign of life for \d+ s, in File .*hostile_trainings.py", failure.message)
    assert "holds_the_gil" in (worker.folder / "stderr.txt").read_text()
    assert witnessed(worker) == before


def test_a_trial_has_its_time_and_no_more(worker: Worker) -> None:
    failure = failure_in(worker.train("never_ends", limit_s=0.5))
    assert failure.failure_class == "timeout"
    assert "took more than its" in failure.message


@pytest.mark.parametrize("function", ["swallows_everything", "never_ends"])
def test_a_function_that_does_not_stop_is_ended(
    worker: Worker, before: Any, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from study.execution.training_process import training_process

    monkeypatch.setattr(training_process, "_STOP_S", 0.2)
    worker.begin(function)
    while not any(isinstance(message, Placed | Reported) for message in worker.step()):
        pass
    assert witnessed(worker) == before


def test_an_attempt_goes_on_where_the_one_before_was_left(worker: Worker, before: Any) -> None:
    worker.begin("witness", trial="again", epochs=2)
    worker.until_reported(1)
    assert worker.progress().epoch == 2
    worker.leave()
    again = worker.train("witness", trial="again", attempt=2, reported=1)
    assert rows(again) == before[0][1:]


def test_a_storage_that_is_away_is_waited_for(worker: Worker, before: Any, tmp_path: Path) -> None:
    folder = tmp_path / "away" / "study" / "trial"
    worker.begin("witness", checkpoints=str(folder / "checkpoints"))
    waits = 0
    for message in worker._messages():
        if isinstance(message, Waiting):
            assert "can't write the checkpoint" in message.message
            waits += 1
            if waits == 2:
                break
    folder.mkdir(parents=True)
    said = worker.to_its_end()
    assert isinstance(said[-1], Finished)
    assert rows(said) == before[0]
    assert any((folder / "checkpoints").iterdir())


def test_a_lost_nursery_is_replaced(worker: Worker, before: Any) -> None:
    own_training._nurseries[-1]._process.kill()
    own_training._nurseries[-1]._process.wait()
    assert witnessed(worker) == before


def test_the_sessions_folder_is_gone_and_what_was_kept_is_there(
    worker: Worker, tmp_path: Path
) -> None:
    (tmp_path / "keeps.py").write_text(
        "def train(config, session):\n"
        "    (session.folder / 'adapter').mkdir()\n"
        "    (session.folder / 'adapter' / 'weights').write_text('1 2 3')\n"
        "    session.keep(session.folder / 'adapter')\n"
        "    session.keep(session.folder / 'adapter' / 'weights', 'copy.txt')\n"
        "    print(session.folder)\n"
        "    session.report({'loss': 1.0})\n"
    )
    messages = worker.train("keeps:train", path=[str(tmp_path)])
    assert isinstance(messages[-1], Finished), messages
    folder = Path(worker.printed().strip())
    assert not folder.exists()
    kept = worker.folder / "kept"
    from study.files.local_storage import LocalPath

    assert kept_names(LocalPath(kept)) == ["adapter", "copy.txt"]
    assert (kept / "adapter" / "weights").read_text() == "1 2 3"


def test_nothing_is_left_of_a_worker_that_was_closed(worker: Worker) -> None:
    worker.begin("never_ends")
    while not any(isinstance(message, Placed) for message in worker.step()):
        pass
    nursery = psutil.Process(own_training._nurseries[-1]._process.pid)
    family = [nursery, *nursery.children(recursive=True)]
    close_nursery()
    _, alive = psutil.wait_procs(family, timeout=WAIT_S)
    assert alive == []


THREAD = "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
MODULE = """
import os, random, sys
{begins}
print("imported in", os.getpid())
drawn = random.random()
def train(config, session):
    mine = sys.modules[__name__]
    print("drawn", drawn, "changed", hasattr(mine, "mark"))
    mine.mark = True
    session.report({{"loss": 1.0}})
"""


@pytest.mark.parametrize(
    ("name", "begins", "is_shared"),
    [
        ("quiet_module", "", True),
        ("threaded_module", THREAD, False),
        ("opening_module", "file = open(__file__)", False),
        ("beginning_module", "import subprocess; subprocess.Popen(['sleep', '60'])", False),
    ],
)
def test_a_module_is_imported_once_for_all_trials_where_its_import_leaves_nothing_running(
    worker: Worker, tmp_path: Path, name: str, begins: str, is_shared: bool
) -> None:
    (tmp_path / f"{name}.py").write_text(MODULE.format(begins=begins))
    printed = []
    for _ in range(3):
        messages = worker.train(f"{name}:train", path=[str(tmp_path)])
        assert isinstance(messages[-1], Finished), messages
        printed.append(worker.printed())
    assert ["imported" in text for text in printed] == [True, not is_shared, not is_shared]
    draws = {re.findall("drawn (.*)", text)[0] for text in printed}
    assert len(draws) == 1, "the same draws in each attempt, and nothing of another trial"
    assert "changed False" in draws.pop()


def test_a_module_that_ends_the_nursery_is_left_to_the_children(
    worker: Worker, tmp_path: Path
) -> None:
    (tmp_path / "fickle.py").write_text(
        "import os, pathlib\n"
        "count = pathlib.Path(__file__).with_suffix('.count')\n"
        "seen = len(count.read_text()) if count.exists() else 0\n"
        "count.write_text('x' * (seen + 1))\n"
        "if seen == 1: os._exit(1)\n"
        "def train(config, session): session.report({'loss': 1.0})\n"
    )
    first = worker.train("fickle:train", path=[str(tmp_path)])
    assert isinstance(first[-1], Finished)
    assert failure_in(worker.train("fickle:train", path=[str(tmp_path)])).failure_class == "node"
    for _ in range(3):
        again = worker.train("fickle:train", path=[str(tmp_path)])
        assert isinstance(again[-1], Finished), again


SETS = """
import torch
from torch.utils.data import DataLoader, TensorDataset

def train(config, session):
    print("order", "".join({"one", "two", "three", "four", "five", "six"}))
    numbers = TensorDataset(torch.arange(64).float())
    loss = 0.0
    for context in ("fork", "spawn"):
        loader = DataLoader(numbers, batch_size=8, num_workers=2, multiprocessing_context=context)
        loss += sum(float(batch.sum()) for (batch,) in loader)
    session.report({"loss": loss})
"""


def test_a_data_loader_may_have_workers_and_sets_have_one_order(
    worker: Worker, tmp_path: Path
) -> None:
    (tmp_path / "sets.py").write_text(SETS)
    (tmp_path / "sets_again.py").write_text(SETS)
    orders = set()
    for name in ("sets", "sets_again"):
        messages = worker.train(f"{name}:train", path=[str(tmp_path)])
        assert rows(messages) == [{"epoch": 1, "loss": 2 * 2016.0, "last": False}], messages
        orders |= set(re.findall("order .*", worker.printed()))
        close_nursery()
    assert len(orders) == 1


def test_the_codes_hash_is_that_of_what_was_imported(worker: Worker, tmp_path: Path) -> None:
    path = tmp_path / "edited.py"
    hashes, losses = [], []
    for loss in (1.0, 2.0, 3.0):
        path.write_text(f"def train(config, session): session.report({{'loss': {loss}}})\n")
        messages = worker.train("edited:train", path=[str(tmp_path)])
        placed = messages[0]
        assert isinstance(placed, Placed)
        hashes.append(placed.place["code"])
        losses += [row["loss"] for row in rows(messages)]
    assert losses[1] == losses[2], "it is imported once for all that follow"
    assert hashes[0] != hashes[1]
    assert hashes[1] == hashes[2]


def test_a_training_makes_way_with_its_state_and_another_attempt_goes_on_from_there(
    worker: Worker,
) -> None:
    whole = rows(worker.train("draws", {"every": 1}, trial="whole"))
    worker.begin("draws", {"every": 1}, trial="parted")
    worker.until_reported(2)
    assert worker.set_aside() == [SetAside(2)]
    after = worker.train("draws", {"every": 1}, trial="parted", attempt=2, reported=2)
    assert isinstance(after[-1], Finished)
    assert rows(after) == whole[2:]


def test_a_training_that_waits_is_put_down_where_it_was_told_before_it_began(
    worker: Worker,
) -> None:
    whole = rows(worker.train("draws", {"every": 1}, trial="whole"))
    begun = worker.train("draws", {"every": 1}, trial="waits", until=1)
    assert rows(begun) == whole[:1]
    assert begun[-1] == SetAside(1)
    after = worker.train("draws", {"every": 1}, trial="waits", attempt=2, reported=1)
    assert rows(after) == whole[1:]


def test_a_training_that_waits_without_a_state_begins_again_and_repeats_its_epochs(
    worker: Worker,
) -> None:
    begun = worker.train("draws", {"every": 9}, trial="stateless", until=2)
    assert begun[-1] == SetAside(2)
    after = worker.train("draws", {"every": 9}, trial="stateless", attempt=2, reported=2)
    assert [message.row["epoch"] for message in after if isinstance(message, Repeated)] == [1, 2]
    assert isinstance(after[-1], Finished)
    assert len(rows(after)) == 2


def test_it_is_said_which_epochs_have_a_state(worker: Worker) -> None:
    messages = worker.train("draws", {"every": 2})
    said = [message.has_state for message in messages if isinstance(message, Reported)]
    assert said == [False, True, False, True]


def test_a_training_that_does_not_end_when_it_makes_way_is_ended(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_training, "_SET_ASIDE_S", 0.5)
    worker.begin("lingers")
    worker.until_reported(1)
    assert worker.set_aside() == [SetAside(1)]
