"""What the host knows beside the device is cut and joined with it."""

from __future__ import annotations

import torch

from study.training.data.augmentations.drawn import DrawnOnHost, joined


def test_both_halves_are_cut_and_joined() -> None:
    drawn = DrawnOnHost(torch.arange(6), torch.arange(6) * 10)
    whole = joined([drawn[:4], drawn[4:]])
    assert isinstance(whole, DrawnOnHost)
    assert len(whole) == 6
    assert torch.equal(whole.here, drawn.here)
    assert torch.equal(whole.to(torch.device("cpu")).there, drawn.there)
    assert torch.equal(torch.as_tensor(joined([drawn.here[:2], drawn.here[2:]])), drawn.here)
