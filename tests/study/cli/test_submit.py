"""What a submission refuses before any cluster is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.cli.submit import connect
from study.errors import UserError

from .mistakes import check_mistake

HEAD = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("submit quickstart --storage /shared --name big", "say where the cluster is: --address"),
        (f"submit quickstart --storage big --address {HEAD}", "must be an absolute path or a URI"),
        (f"submit quickstart --storage /shared --address {HEAD}", "no Ray cluster answers at"),
        (f"submit nothing.yaml --storage /shared --address {HEAD}", "no such file"),
        (f"submit quickstart --storage /shared --address {HEAD} --share -1", "share: must be at"),
        (f"submit quickstart --storage /shared --address {HEAD} --format csv", "table | json"),
    ],
)
def test_a_mistake_is_told_plainly(
    home: Path, words: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    check_mistake(home, words, expected)


@pytest.mark.parametrize("address", ["127.0.0.1:8265", "ray://head:10001", "http://"])
def test_an_address_that_is_no_dashboards_is_refused(address: str) -> None:
    with pytest.raises(UserError, match="--address: must be a cluster's dashboard, as http://"):
        connect(address)
