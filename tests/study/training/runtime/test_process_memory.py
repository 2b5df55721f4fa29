"""What a training frees stays at hand for its next step, and goes back when it has ended."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest
import torch

from study.training.recipe.recipe import Recipe
from study.training.runtime.process_memory import freed_memory_kept
from study.training.runtime.randomness import isolated_process_state

CPU = torch.device("cpu")
BLOCK_BYTES = 24 * 2**20
PAGE_BYTES = resource.getpagesize()
ON_GLIBC = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone does this")


def faults_of_a_step() -> int:
    """The pages that the system has to give for a few blocks that live together, then go."""
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    blocks = [torch.ones(BLOCK_BYTES // 4) for _ in range(4)]
    del blocks
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


@ON_GLIBC
def test_steps_come_to_find_the_memory_of_those_before() -> None:
    with isolated_process_state(Recipe(), CPU):
        steps = [faults_of_a_step() for _ in range(8)]  # the first ones find their places
    assert min(steps) < BLOCK_BYTES / PAGE_BYTES / 10


HELD_AND_LEFT = """
from pathlib import Path
import torch
from study.training.runtime.process_memory import freed_memory_kept

def resident_pages():
    return int(Path("/proc/self/statm").read_text().split()[1])

with freed_memory_kept(torch.device("cpu")):
    blocks = [torch.ones(BLOCK_BYTES // 4) for _ in range(4)]
    del blocks
    held = resident_pages()
print(held, resident_pages())
"""


@ON_GLIBC
def test_memory_goes_back_at_the_end() -> None:
    """In a fresh process: in one of many tests, what is free may have been so before."""
    code = HELD_AND_LEFT.replace("BLOCK_BYTES", str(BLOCK_BYTES))
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    held, left = map(int, said.split())
    assert (held - left) * PAGE_BYTES > 3 * BLOCK_BYTES


def test_of_a_gpu_nothing_is_changed() -> None:
    with freed_memory_kept(torch.device("cuda")):
        pass
