"""Which trials stop, and when that is settled."""

from __future__ import annotations

from typing import Any

import pytest

from ..fake_cluster import Killed, Storage, controller_on, drive, outcome, small_spec


@pytest.mark.parametrize("seed", range(3))
def test_trials_that_ran_on_to_their_end_before_a_stop_count_the_same_after_a_resume(
    seed: int,
) -> None:
    changes: dict[str, Any] = {
        "points": 40,
        "concurrency": 4,
        "recipe": {"epochs": 3},
        "sampler": {"seed": seed},
    }
    whole = controller_on(Storage(), small_spec(**changes))
    drive(whole, workers=4, jitter=1.5)
    storage, checkpoints = Storage(), dict[int, int]()
    for session in range(100):
        storage.die_after = storage.writes + 30
        try:
            controller = controller_on(storage, small_spec(**changes))
            drive(controller, workers=4, seed=session, jitter=1.5, checkpoints=checkpoints)
            break
        except Killed:
            continue
    cut = [event for event in storage.events if event["event"] == "stopped"]
    assert cut
    assert outcome(controller) == outcome(whole)
