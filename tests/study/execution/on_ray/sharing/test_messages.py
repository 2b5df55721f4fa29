"""What drivers and the broker say to each other is read as it was said."""

from __future__ import annotations

from collections import Counter

from study.execution.on_ray.sharing.messages import Part, Standing


def test_a_standing_is_read_as_it_was_said() -> None:
    """Drivers count what they hold, by nodes."""
    held = Counter({"node-1": 2, "node-2": 1})
    said = Standing(id="1", study="s", share=1.0, needs={"CPU": 2.0}, wanted=4, held=held)
    assert Standing.of_text(said.text()) == said


def test_a_part_is_read_as_it_was_said() -> None:
    said = Part(most=3, leave=Counter({"node-1": 1}), others_wait=True, studies=2)
    assert Part.of_text(said.text()) == said
