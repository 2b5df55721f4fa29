"""Randomness is a function of seed and position, and torch's own state is put back."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from study.training.recipe.recipe import Recipe
from study.training.runtime.randomness import (
    derive_seed,
    isolated_process_state,
    make_generator,
    random_states,
    restore_random_states,
    seed_everything,
)

CPU = torch.device("cpu")


def test_a_position_has_one_seed_of_its_own() -> None:
    seeds = {derive_seed(seed, use, epoch) for seed in (0, 1) for use in "ab" for epoch in (1, 2)}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derive_seed(0, "model") == derive_seed(0, "model")


def test_generators_of_one_position_draw_the_same() -> None:
    first, again = (torch.rand(5, generator=make_generator(7, "order", 1)) for _ in range(2))
    other = torch.rand(5, generator=make_generator(7, "order", 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_restored_states_draw_what_they_drew_before() -> None:
    with torch.random.fork_rng():
        states = random_states(CPU)
        first = torch.rand(5)
        restore_random_states(states, CPU)
        assert torch.equal(torch.rand(5), first)


def test_python_and_numpy_are_seeded_and_their_states_restored() -> None:
    device = torch.device("cpu")
    with isolated_process_state(Recipe(), device):
        seed_everything(7, "model")
        first = (random.random(), np.random.rand(3).tolist(), torch.rand(2).tolist())
        seed_everything(7, "model")
        np.random.randn(1)  # leaves a second normal number behind in the state
        states = random_states(device)
        kept = torch.load(io.BytesIO(saved(states)), weights_only=True)
        drawn = (random.random(), np.random.randn(3).tolist(), torch.rand(2).tolist())
        random.random(), np.random.rand(5), torch.rand(5)
        restore_random_states(kept, device)
        assert (random.random(), np.random.randn(3).tolist(), torch.rand(2).tolist()) == drawn
        seed_everything(7, "model")
        again = (random.random(), np.random.rand(3).tolist(), torch.rand(2).tolist())
        assert again == first


def saved(states: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(states, buffer)
    return buffer.getvalue()


def test_states_of_a_checkpoint_without_python_and_numpy_are_restored() -> None:
    with isolated_process_state(Recipe(), CPU):
        states = {"cpu": torch.get_rng_state()}
        drawn = torch.rand(3)
        restore_random_states(states, CPU)
        assert torch.equal(torch.rand(3), drawn)


def test_no_precision_of_one_training_reaches_the_next() -> None:
    before = precisions()
    matrix = torch.rand(64, 64)
    product = matrix @ matrix
    with isolated_process_state(Recipe(), CPU):
        torch.set_float32_matmul_precision("medium")
    assert precisions() == before
    assert torch.equal(matrix @ matrix, product)
    with isolated_process_state(Recipe(), CPU):
        torch.backends.fp32_precision = "tf32"
        torch.backends.mkldnn.matmul.fp32_precision = "bf16"
    assert precisions() == before


def precisions() -> tuple[object, ...]:
    backends = torch.backends
    holders = [backends, backends.cuda.matmul, backends.cudnn, backends.cudnn.conv]
    holders += [backends.mkldnn, backends.mkldnn.matmul, backends.mkldnn.conv]
    newer = tuple(holder.fp32_precision for holder in holders)
    older = (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32)
    return (*newer, *older, torch.get_float32_matmul_precision())


def test_pythons_and_numpys_generators_are_put_back() -> None:
    random.seed(1)
    np.random.seed(1)
    states = random.getstate(), np.random.get_state()[1].tolist()
    with isolated_process_state(Recipe(), CPU):
        seed_everything(0, "model")
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states


def fail_inside(recipe: Recipe) -> None:
    cudnn = torch.backends.cudnn
    with isolated_process_state(recipe, CPU):
        assert torch.are_deterministic_algorithms_enabled()
        assert (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32) == (False, True, True)
        torch.rand(10)
        raise RuntimeError("in the middle")


def test_switches_hold_inside_and_are_put_back_even_after_a_failure() -> None:
    recipe = Recipe.model_validate({"precision": "tf32", "execution": {"deterministic": True}})
    torch.manual_seed(3)
    state = torch.get_rng_state()
    cudnn = torch.backends.cudnn
    before = (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32)
    with pytest.raises(RuntimeError, match="in the middle"):
        fail_inside(recipe)
    assert (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32) == before
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.equal(torch.get_rng_state(), state)


def new_switches() -> tuple[str, ...]:
    backends: Any = torch.backends
    held = (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn)
    return tuple(switch.fp32_precision for switch in held)


@pytest.mark.parametrize(("precision", "switch"), [("fp32", "ieee"), ("tf32", "tf32")])
@pytest.mark.parametrize("before", ["new", "general", "high", "old"])
def test_arithmetic_is_the_recipes_whatever_others_have_set_in_the_process(
    precision: str, switch: str, before: str
) -> None:
    recipe = Recipe.model_validate({"precision": precision})
    backends: Any = torch.backends
    with isolated_process_state(Recipe(), CPU):  # puts back what is set here
        if before == "new":
            backends.cuda.matmul.fp32_precision = "tf32"
            backends.cudnn.conv.fp32_precision = "ieee"
        elif before == "general":
            backends.fp32_precision = "tf32"
        elif before == "high":
            torch.set_float32_matmul_precision("high")
        else:
            backends.cuda.matmul.allow_tf32 = True
        held = new_switches()
        with isolated_process_state(recipe, CPU):
            assert new_switches() == (switch,) * 3
            # what torch.compile may ask for
            assert torch.get_float32_matmul_precision() == (
                "high" if switch == "tf32" else "highest"
            )
        assert new_switches() == held


def test_cublas_is_told_to_repeat_itself_before_any_training() -> None:
    code = """
import importlib, os
for given in ("", ":0:0", ":16:8"):
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = given
    importlib.reload(importlib.import_module("study.training.runtime.randomness"))
    print(os.environ["CUBLAS_WORKSPACE_CONFIG"])
"""
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    assert said.stdout.split() == [":4096:8", ":4096:8", ":16:8"]


def test_the_generator_of_apples_gpu_is_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    restored: list[Any] = []
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: torch.arange(3))
    monkeypatch.setattr(torch.mps, "set_rng_state", restored.append)
    states = random_states(torch.device("mps"))
    restore_random_states(states, torch.device("mps"))
    assert [state.tolist() for state in restored] == [[0, 1, 2]]
