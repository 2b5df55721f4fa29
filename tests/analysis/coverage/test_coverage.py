"""What intervals cover and how often verdicts are false, counted: a quick form of ``make
coverage``.
"""

from __future__ import annotations

import pytest

from .measure import bounds, count, plausible
from .scenarios import SCENARIOS, Scenario

ANSWERS = 40
FEWER = 20
QUICK = [
    (scenario, law, n)
    for scenario in SCENARIOS
    for law, n in (("normal", scenario.sizes[0]), ("skewed", scenario.sizes[1]))
]


@pytest.mark.parametrize(
    ("scenario", "law", "n"), QUICK, ids=lambda part: getattr(part, "name", str(part))
)
def test_intervals_cover_and_verdicts_hold(scenario: Scenario, law: str, n: int) -> None:
    found = count(scenario, law, n, FEWER if scenario.slow else ANSWERS)
    least, most = bounds(scenario, law)
    assert plausible(found, least, most), (
        f"{found.yes} of {found.of}; the share must lie in {least:.2f} to {most:.2f}"
    )


@pytest.mark.parametrize(("yes", "told"), [(20, False), (33, True), (38, True)])
def test_too_narrow_an_interval_would_be_found(yes: int, told: bool) -> None:
    from .measure import Count

    assert plausible(Count("", "normal", 2, yes, ANSWERS), 0.92, 1.0) == told


def test_too_many_false_alarms_would_be_found() -> None:
    from .measure import Count

    assert not plausible(Count("", "normal", 2, 9, ANSWERS), 0.0, 0.06)
    assert plausible(Count("", "normal", 2, 5, ANSWERS), 0.0, 0.06)
