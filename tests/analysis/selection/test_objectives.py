from __future__ import annotations

from typing import Any

import pytest

from analysis.results import load
from analysis.tables.points.leaderboard import leaderboard_table
from study.errors import UserError


def test_studies_with_other_objectives_are_not_ranked_together(mixed: Any, make: Any) -> None:
    other = make(name="other", spec=MINIMIZED)
    with pytest.raises(UserError, match="different objectives"):
        leaderboard_table(load([mixed.paths, other.paths]))


MINIMIZED = """\
study: other
objective: {metric: val_loss, direction: minimize}
points: 4
space: {accumulation: {choice: [1, 2]}}
"""
