"""Pretended GPUs are small: one thread of the CPU is enough for them."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True, scope="module")
def only_what_is_new_is_collected() -> Iterator[None]:
    """Each training ends with a look for garbage, which takes longer than the training where it
    goes through all that torch is made of.
    """
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
