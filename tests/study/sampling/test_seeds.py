"""Seeds that depend on nothing but what they are for."""

from __future__ import annotations

from study.sampling.seeds import point_seed


def test_seeds_depend_on_what_they_are_for_alone() -> None:
    seeds = {
        point_seed(seed, arm, index) for seed in range(5) for arm in range(3) for index in range(50)
    }
    assert len(seeds) == 5 * 3 * 50
    assert point_seed(0, 0, 0) == point_seed(0, 0, 0)
    assert all(0 <= seed < 2**31 for seed in seeds)
