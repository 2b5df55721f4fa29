"""What a worker was lost to, from what Ray writes (version 2.60)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from study.execution.on_ray.worker_loss import executor_loss, worker_loss
from study.journal.trials import Attempt

KILL = """Caught unexpected exception: 2 worker(s) were killed due to the node running low on memory. \
Memory on the node (IP: 192.0.2.2, ID: 63a5aa25) was 5.88GB used / 23.54GB limit (0.249912)
OOM kill reason: Memory usage 6287278080B exceeded threshold of 6266044928B (24.8% of 25276502016B limit)
Ray killed 2 worker(s) based on the killing policy
Considered workers: [
Selected to kill: (Actor(d622): job ID=01, task name=ResourceTrainable.__init__, required resources={CPU: 1}, \
pid=29397, actual memory used=1.81GB, worker ID=5296)
Selected to kill: (Actor(d623): job ID=01, task name=TrialWorker.__init__, required resources={CPU: 1}, \
pid=29400, actual memory used=0.40GB, worker ID=5297)
]
Top 10 memory users: PID	MEM(GB)	COMMAND
29397	1.81	ray::ResourceTrainable.train
28100	0.38	python
"""
GONE = """ray.exceptions.ActorUnavailableError: The actor e496 is unavailable: The actor is temporarily unavailable: \
RpcError: RPC error: Socket closed rpc_code: 14."""
DIED = """ray.exceptions.ActorDiedError: The actor died unexpectedly before finishing this task.
The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR"""


def attempt(node: str, pid: int | None) -> Attempt:
    return Attempt(1, started_at=0.0, epochs_before=0, node=node, pid=pid)


def test_those_that_the_memory_monitor_killed_are_told_from_those_that_only_lost_the_executor() -> (
    None
):
    error = RuntimeError(KILL)
    hit = executor_loss(error, attempt("63a5aa25", 29397))
    assert hit.failure_class == "out_of_memory"
    assert "(5.88GB used / 23.54GB limit): Ray killed its process, which had 1.81GB" in hit.message
    for other in (attempt("63a5aa25", 28100), attempt("another", 29397), attempt("", None)):
        assert executor_loss(error, other).failure_class == "node"


def test_a_worker_is_lost_to_memory_to_its_node_or_to_its_own_end(tmp_path: Path) -> None:
    def loss(text: str, *, node: str = "63a5aa25", node_alive: bool = True) -> dict[str, object]:
        path = tmp_path / "error.txt"
        path.write_text(text)
        trial = SimpleNamespace(error_file=str(path))
        return worker_loss(
            trial, attempt(node, None), lambda known: node_alive and known == "63a5aa25"
        )

    assert loss(KILL).failure_class == "out_of_memory"
    assert loss(DIED).details == {"node_alive": True}
    assert "exit type: SYSTEM_ERROR" in str(loss(DIED).message)
    assert loss(DIED, node_alive=False).details == {"node_alive": False}
    assert loss(GONE).details == {"node_alive": False}
    assert loss(DIED, node="").details == {"node_alive": True}, (
        "it died before it told where it was"
    )
    assert loss(GONE, node="").details == {"node_alive": False}
    assert {loss(text).failure_class for text in (GONE, DIED, "")} == {"node"}
