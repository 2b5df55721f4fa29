"""What a study asks Slurm for, and what isn't passed on."""

from __future__ import annotations

from typing import Any

import pytest

from study.cluster.slurm.allocation import Allocation, seconds_of
from study.errors import UserError

from ...fake_cluster import small_spec


def test_a_job_is_warned_queued_again_and_given_what_was_asked_for() -> None:
    asked = Allocation(
        partition="gpu",
        account="lab",
        time="4:00:00",
        nodes=2,
        cpus=8,
        gpus=4,
        more=["--constraint=a100&nvlink", "--exclusive"],
    )
    assert list(asked.header("iou")) == [
        "--job-name=iou",
        "--nodes=2",
        "--ntasks-per-node=1",
        "--partition=gpu",
        "--account=lab",
        "--time=4:00:00",
        "--cpus-per-task=8",
        "--gpus-per-node=4",
        "--signal=B:USR1@120",
        "--requeue",
        "--open-mode=append",
        "--output=iou-%j.out",
        "--constraint=a100&nvlink",
        "--exclusive",
    ]


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("30", 1800),
        ("30:30", 1830),
        ("4:00:00", 14_400),
        ("1-12", 129_600),
        ("1-12:30", 131_400),
        ("1-00:00:10", 86_410),
    ],
)
def test_a_time_is_read_as_sbatch_reads_it(time: str, seconds: int) -> None:
    assert seconds_of(time) == seconds


def test_a_short_job_keeps_most_of_its_time() -> None:
    assert "--signal=B:USR1@30" in Allocation(time="2").header("tiny")
    assert "--signal=B:USR1@120" in Allocation().header("tiny")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"partition": "gpu\n#SBATCH --uid=0"}, "--partition: must be a name that Slurm knows"),
        ({"account": ""}, "--account: must be a name that Slurm knows"),
        ({"time": "two hours"}, "--time: must be minutes, hours:minutes:seconds or days-hours"),
        ({"more": ["--qos=a\n--uid=0"]}, "--sbatch: must be one long option of sbatch"),
        ({"more": ["-p gpu"]}, "--sbatch: must be one long option of sbatch"),
        ({"more": ["--signal=B:TERM@5"]}, "--sbatch: --signal=B:TERM@5 would undo what the script"),
    ],
)
def test_what_sbatch_would_take_for_something_else_is_refused(
    asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        Allocation(**asked)


def test_nodes_have_room_for_all_trials_at_once_unless_it_is_said_what_they_have() -> None:
    spec = small_spec(concurrency=5, resources={"cpus": 2, "gpus": 0.5})
    asked = Allocation.for_study(spec, cpus=None, gpus=None, nodes=2)
    assert (asked.cpus, asked.gpus) == (6, 2)
    spread = small_spec(concurrency=1, resources={"workers": 4, "cpus": 2, "gpus": 1})
    asked = Allocation.for_study(spread, cpus=None, gpus=None, nodes=2)
    assert (asked.cpus, asked.gpus) == (4, 2)
    asked = Allocation.for_study(spec, cpus=16, gpus=1, nodes=2)
    assert (asked.cpus, asked.gpus) == (16, 1)
    asked = Allocation.for_study(small_spec(concurrency=None), cpus=None, gpus=None, nodes=1)
    assert (asked.cpus, asked.gpus) == (1, None)
