from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analysis.plots.svg import VARIABLES
from analysis.report.report import write_report


@pytest.fixture(scope="module")
def big_report(tmp_path_factory: pytest.TempPathFactory, maker_class: Any, fill: Any) -> Path:
    study = maker_class(tmp_path_factory.mktemp("report"))
    fill(study, 15)
    return write_report(study.paths)


def test_plots_follow_the_colors_of_the_page(big_report: Path) -> None:
    page = big_report.read_text()
    assert not any(stand_in in page for stand_in in VARIABLES)
    assert "var(--s0, #0b62a8)" in page
