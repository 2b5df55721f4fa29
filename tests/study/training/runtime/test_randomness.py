"""Randomness is a function of seed and position, and torch's own state is put back."""

from __future__ import annotations

import pytest
import torch

from study.training.recipe.recipe import Recipe
from study.training.runtime.randomness import (
    derive_seed,
    isolated_torch,
    make_generator,
    random_states,
    restore_random_states,
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


def fail_inside(recipe: Recipe) -> None:
    cudnn = torch.backends.cudnn
    with isolated_torch(recipe, CPU):
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
