"""Waiting for the nodes of an allocation; ``make slurm`` has them join."""

from __future__ import annotations

import pytest

from study.cluster.slurm.nodes import main

from ...ray_cluster import free_port


def test_a_ray_that_does_not_come_is_a_fault_that_says_how_many_nodes_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    address = f"127.0.0.1:{free_port()}"
    assert main(address, 2, patience=0.1) == 3
    assert capsys.readouterr().err == (
        f"0 of 2 nodes have joined the Ray at {address} within 0 s\n"
    )
